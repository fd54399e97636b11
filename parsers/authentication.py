"""The proof of a mail's sender (D1): the border's word, or our own check.

A proof holds for the mail as its sender wrote it, and once. Whoever received a signed mail can send
it again, so three attacks are met here:

- *With other fields.* The border's `dmarc=pass` may rest on a signature alone, and the attacker
  rewrites every field outside of it. So a mail with a signature of the sender's domain needs SPF
  for that domain, in the border's words, or a signature over the fields of our own check.
- *To other people, or later.* The desk's address must stand in the signed To or Cc, and the signed
  Date near the receipt.
- *With other fields around it, within those days.* `seal` names the signed text. The desk acts on
  one seal once.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from parsers import addresses, date_field, header
from parsers.message import Message

Dns = Callable[..., bytes | None]  # a TimeoutError where it has no answer now

_COMMENT_OR_QUOTED = re.compile(r"[()\"\\]")
_RESULT = re.compile(
    r"(?<![a-z0-9-])([a-z][a-z0-9-]{0,40})\s{0,9}(?:/\s{0,3}[0-9]{1,3}\s{0,3})?=\s{0,9}([a-z]{1,20})",
    re.IGNORECASE,
)
_PROPERTY = re.compile(
    r"(?<![a-z])([a-z]{1,20}(?:\s?\.\s?[a-z0-9_-]{1,40})?|action|compauth|reason)\s{0,9}=\s{0,9}([^\s;]{1,400})",
    re.IGNORECASE,
)
_SIGNED = frozenset({"from", "subject", "to", "date"})
UNANSWERED = "dns_unanswered"  # the reason of a proof that may come later
_ONCE = ("from", "subject", "to", "date", "content-type")
_WHITE = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome: `method` is the deciding way, `reason` a code with a sentence for people.

    `covers` names the address fields, To and Cc, out of an attacker's reach.
    """

    passed: bool
    method: str  # "dmarc", "microsoft365", "dkim", "none"
    reason: str
    covers: frozenset[str] = field(default=frozenset({"to", "cc"}), compare=False)


@dataclass(frozen=True, slots=True)
class Results:
    """One Authentication-Results field, tolerantly read. `server` is empty in Microsoft's form."""

    server: str
    methods: tuple[tuple[str, str, dict[str, str]], ...]  # (method, result, properties)


def _without_comments(value: str) -> str:
    """Cut comments (nested ones too), in one pass; a ; or = in a quoted string ends nothing."""
    out: list[str] = []
    depth = at = 0
    quoted = False
    for hit in _COMMENT_OR_QUOTED.finditer(value):
        if hit.start() < at:
            continue
        if not depth:
            out.append(_quiet(value[at : hit.start()], quoted=quoted))
        at = hit.end()
        if hit[0] == "\\":
            at += 1
        elif hit[0] == '"' and not depth:
            quoted = not quoted
        elif not quoted:
            depth = depth + 1 if hit[0] == "(" else max(0, depth - 1)
    if not depth:
        out.append(_quiet(value[at:], quoted=quoted))
    return "".join(out)


def _quiet(text: str, *, quoted: bool) -> str:
    return text.replace(";", " ").replace("=", " ") if quoted else text


def read_results(value: str) -> Results:
    """Read an Authentication-Results field (RFC 8601); never raises.

    The first word is the server's name, unless it is a result already (Microsoft writes no name).
    """
    pieces = _without_comments(value[:8192]).split(";")
    server = ""
    first = pieces[0].split()
    if first and "=" not in pieces[0]:
        server = first[0].strip().rstrip(".").lower()
        pieces = pieces[1:]
    methods: list[tuple[str, str, dict[str, str]]] = []
    for piece in pieces[:50]:
        method = _RESULT.match(piece.strip())
        if method:
            rest = piece.strip()[method.end() :]
            properties = {
                "".join(name.split()).lower(): content.strip('"').lower()
                for name, content in reversed(_PROPERTY.findall(rest)[:50])
            }
            methods.append((method[1].lower(), method[2].lower(), properties))
    return Results(server, tuple(methods))


def _of_server(message: Message, server: str) -> Iterator[Results]:
    """Give the fields of one server, from the topmost down to the first Received below it."""
    begun = False
    for name, content in message.headers:
        lowered = name.lower()
        if lowered == "received" and begun:
            return
        if lowered == "authentication-results":
            begun = True
            results = read_results(content)
            if results.server == server:
                yield results


def _topmost(message: Message) -> tuple[str | None, int, int]:
    """Give the first Authentication-Results, and how many Received stand above and below it."""
    above = 0
    value: str | None = None
    below = 0
    for name, content in message.headers:
        lowered = name.lower()
        if lowered == "received":
            above, below = (above + 1, below) if value is None else (above, below + 1)
        elif lowered == "authentication-results" and value is None:
            value = content
    return value, above, below


def _domain(value: str) -> str | None:
    return addresses.domain(value.rpartition("@")[2].strip().rstrip("."))


def _dmarc(results: Results, sender_domain: str) -> str:
    """Give "pass", or the code of what is missing, of the DMARC result for the sender's domain."""
    verdicts = [entry for entry in results.methods if entry[0] == "dmarc"]
    if not verdicts:
        return "no_dmarc_result"
    if len(verdicts) > 1:
        return "several_dmarc_results"
    _, result, properties = verdicts[0]
    if result != "pass":
        return f"dmarc_{result}"
    named = properties.get("header.from") or properties.get("from")
    if not named:
        return "dmarc_names_no_domain"
    return "pass" if _domain(named) == sender_domain else "dmarc_of_another_domain"


def _by_border(message: Message, sender_domain: str, trusted: Collection[str]) -> Proof:
    """Believe the topmost field if a trusted server wrote it; any below it counts for nothing."""
    value, _, _ = _topmost(message)
    if value is None:
        return Proof(False, "none", "no_results")
    results = read_results(value)
    if results.server not in {server.rstrip(".").lower() for server in trusted}:
        return Proof(False, "none", "topmost_results_not_trusted")
    outcome = _dmarc(results, sender_domain)
    if outcome != "pass":
        return Proof(False, "dmarc", outcome)
    sent_by_domain = any(
        _sent_by(each, sender_domain) for each in _of_server(message, results.server)
    )
    proof = Proof(True, "dmarc", "dmarc_pass")
    return proof if sent_by_domain else _as_far_as_signed(proof, message, sender_domain)


def _sent_by(results: Results, sender_domain: str) -> bool:
    """Tell if SPF passed for the sender's domain: the mail came from its server, and anew."""
    for method, result, properties in results.methods:
        domain = _domain(properties.get("smtp.mailfrom", ""))
        if method == "spf" and result == "pass" and domain and _aligned(domain, sender_domain):
            return True
    return False


def _related(one: str, other: str) -> bool:
    """Tell if DMARC may take two domains for one organisation's: in doubt it may.

    Without a list of public suffixes the last two labels stand for the organisation.
    """
    return one.split(".")[-2:] == other.split(".")[-2:]


def _is_own(tags: dict[str, str], sender_domain: str) -> bool:
    """Tell if a signature may be the sender's domain's; one without a readable domain may be."""
    signer = _domain(tags.get("d", ""))
    return signer is None or _related(signer, sender_domain)


def _as_far_as_signed(proof: Proof, message: Message, sender_domain: str) -> Proof:
    """Hold a mail to its signature's fields: the border may have passed it by that alone.

    Every signature of the sender's domain must do: nobody knows by which one it passed.
    """
    signatures = [_signature_tags(value) for value in message.raw("DKIM-Signature")]
    own = [tags for tags in signatures if _is_own(tags, sender_domain)]
    for tags in own:
        weakness = _weakness(tags)
        if weakness is not None:
            return Proof(False, proof.method, weakness)
    covered = (_covered(tags) for tags in own)
    return replace(proof, covers=proof.covers.intersection(*covered))


def _by_microsoft(message: Message, sender_domain: str) -> Proof:
    """Believe the nameless field of Exchange Online.

    It must be the topmost one, no foreign Received may stand above it, and its composite verdict
    must agree where there is one.
    """
    value, above, below = _topmost(message)
    if value is None:
        return Proof(False, "none", "no_results")
    results = read_results(value)
    if results.server:
        return Proof(False, "none", "topmost_results_not_trusted")
    if not below or not _only_exchange(message, above):
        return Proof(False, "microsoft365", "results_below_foreign_received")
    outcome = _dmarc(results, sender_domain)
    if outcome == "pass" and _compauth(results) not in {"", "pass"}:
        outcome = "compauth_" + _compauth(results)
    if outcome != "pass":
        return Proof(False, "microsoft365", outcome)
    proof = Proof(True, "microsoft365", "dmarc_pass")
    if _sent_by(results, sender_domain):
        return proof
    return _as_far_as_signed(proof, message, sender_domain)


def _compauth(results: Results) -> str:
    for method, result, properties in results.methods:
        if method == "compauth":
            return result
        if "compauth" in properties:
            return properties["compauth"]
    return ""


def _only_exchange(message: Message, count: int) -> bool:
    """Tell if the topmost `count` Received were written inside Exchange Online."""
    received = message.all("Received")[: count + 1]
    return all(
        " by " in f" {value.lower()}" and _by_host(value).endswith(_EXCHANGE) for value in received
    )


_EXCHANGE = (".outlook.com", ".office365.com", ".outlook.office365.com")


def _by_host(value: str) -> str:
    words = value.lower().split()
    return words[words.index("by") + 1].rstrip(";.") if "by" in words[:-1] else ""


def _signature_tags(value: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for piece in value.split(";")[:50]:
        name, _, content = piece.partition("=")
        out.setdefault("".join(name.split()).lower(), "".join(content.split()))
    return out


def _aligned(signer: str, sender_domain: str) -> bool:
    """Tell if the signing domain is the sender's, or a domain above it, but no bare suffix.

    The owner of a domain owns every domain below it. DMARC allows the other way round, too: there a
    customer's or a tenant's subdomain would sign for the whole domain. It is no proof here.
    """
    return signer == sender_domain or ("." in signer and sender_domain.endswith("." + signer))


def _covered(tags: dict[str, str]) -> frozenset[str]:
    """Give the names of the fields that a signature covers, in lower case."""
    return frozenset(name.strip().lower() for name in tags.get("h", "").split(":"))


def _weakness(tags: dict[str, str]) -> str | None:
    """Give the reason for which a signature leaves the mail open to changes, or None."""
    if "l" in tags:
        return "signature_limits_length"
    return None if _covered(tags) >= _SIGNED else "signature_leaves_headers_out"


def _usable(tags: dict[str, str], message: Message, sender_domain: str) -> str | None:
    """Give the reason for which a signature cannot prove anything, or None."""
    signer = _domain(tags.get("d", ""))
    if signer is None or not _aligned(signer, sender_domain):
        return "signed_by_another_domain"
    if message.all("Content-Type") and "content-type" not in _covered(tags):
        return _weakness(tags) or "signature_leaves_headers_out"
    return _weakness(tags)


def _by_dkim(message: Message, raw: bytes, sender_domain: str, dns: Dns | None) -> Proof:
    """Check signatures ourselves: aligned, covering what we act on, each once, and no `l=`."""
    if "odd_line_in_headers" in message.defects:
        return Proof(False, "dkim", "headers_unclear")
    for name in _ONCE:
        if len(message.all(name)) > 1:
            return Proof(False, "dkim", "header_repeated")
    signatures = message.raw("DKIM-Signature")
    reason = "no_signature"
    for number, value in enumerate(signatures[:5]):
        tags = _signature_tags(value)
        wrong = _usable(tags, message, sender_domain) or _fault(raw, number, dns)
        if wrong is None:
            return Proof(True, "dkim", "dkim_pass", _covered(tags) & {"to", "cc"})
        reason = reason if reason == UNANSWERED else wrong
    return Proof(False, "dkim", reason)


def _fault(raw: bytes, number: int, dns: Dns | None) -> str | None:
    """Give the reason for which a signature does not verify, or None."""
    import dkim

    try:
        crlf = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        checker = dkim.DKIM(crlf, minkey=1024, timeout=5)
        options = {"dnsfunc": dns} if dns else {}
        return None if checker.verify(idx=number, **options) else "signature_wrong"
    except TimeoutError:
        return UNANSWERED
    except Exception:  # noqa: BLE001 a foreign library on hostile input: no proof, whatever it raised
        return "signature_wrong"


def authenticate(
    message: Message,
    raw: bytes,
    *,
    trusted_authserv_ids: Collection[str],
    microsoft365: bool,
    dkim: bool,
    dns: Dns | None = None,
) -> Proof:
    """Tell if the From domain is proven (D1), and by which way.

    Only the first Authentication-Results counts, and only if a server in `trusted_authserv_ids`
    wrote it. A trusted name further down is never believed, for the border writes on top, and
    anything below may have come with the mail. `microsoft365` believes the nameless form of
    Exchange Online above the first foreign Received. `dkim` adds our own check; it asks the DNS
    (`dns`, a function like dkimpy's, stands in for it). Without an answer there the reason is
    UNANSWERED: the same check may succeed later. Never raises.
    """
    if message.sender is None:
        return Proof(False, "none", "no_single_sender")
    domain = message.sender.domain
    tried: list[Proof] = []
    if trusted_authserv_ids:
        tried.append(_by_border(message, domain, trusted_authserv_ids))
    if microsoft365:
        tried.append(_by_microsoft(message, domain))
    if dkim and not any(proof.passed for proof in tried):
        tried.append(_by_dkim(message, raw, domain, dns))
    decisive = [proof for proof in tried if proof.passed or proof.reason == UNANSWERED]
    return (decisive or tried or [Proof(False, "none", "no_way_to_prove")])[0]


def as_written(
    proof: Proof,
    message: Message,
    *,
    is_desk: Callable[[str], bool],
    received_at: dt.datetime,
    within: dt.timedelta,
) -> Proof:
    """Hold a proof to the mail as it was written (D1): to this desk, and about now.

    `is_desk` tells if an address is the desk's. An address counts only in a field that the proof
    covers. The Date must lie within `within` of the receipt, before or after.
    """
    if not proof.passed:
        return proof
    fields = {"to": message.to, "cc": message.cc}
    if not any(is_desk(box.address) for name in proof.covers for box in fields[name]):
        return Proof(False, proof.method, "not_written_to_desk")
    written = date_field.instant(message.header("Date") or "")
    if written is None:
        return Proof(False, proof.method, "date_unreadable")
    if abs(received_at - written) > within:
        return Proof(False, proof.method, "date_too_far")
    return proof


def seal(message: Message, raw: bytes) -> str:
    """Give the SHA-256 (hex) of the text behind a proof, the same in every copy of it.

    It covers the fields of every proof, and the body's bytes as they came. Cc, Message-ID and the
    MIME fields may lie outside of a signature. White space counts as in DKIM's relaxed form (RFC
    6376 section 3.4): runs of it are one space.
    """
    digest = hashlib.sha256()
    for name in sorted(_SIGNED):
        values = (" ".join(value.split()) for value in message.raw(name))
        digest.update(f"{name}:{'|'.join(values)}\n".encode("utf-8", "surrogatepass"))
    for line in _body(raw).split(b"\n"):
        digest.update(_WHITE.sub(b" ", line).rstrip(b" ") + b"\n")
    return digest.hexdigest()


def _body(raw: bytes) -> bytes:
    """Give the body with LF line ends, without empty lines at its end."""
    _, start = header.split(raw, len(raw))
    return raw[start:].replace(b"\r\n", b"\n").rstrip(b" \t\r\n")
