"""Proof that a mail comes from its From domain: what the border wrote, or our own check (D1)."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from parsers import addresses
from parsers.message import Message

Dns = Callable[..., bytes | None]

_COMMENT_OR_QUOTED = re.compile(r"[()\"\\]")
_RESULT = re.compile(
    r"(?<![a-z0-9-])([a-z][a-z0-9-]{0,40})\s{0,9}(?:/\s{0,3}[0-9]{1,3}\s{0,3})?=\s{0,9}([a-z]{1,20})",
    re.IGNORECASE,
)
_PROPERTY = re.compile(
    r"(?<![a-z])([a-z]{1,20}(?:\s?\.\s?[a-z0-9_-]{1,40})?|action|compauth|reason)\s{0,9}=\s{0,9}([^\s;]{1,400})",
    re.IGNORECASE,
)
_HEADERS_SIGNED = frozenset({"from", "subject", "to", "date", "content-type"})
_ONCE = ("from", "subject", "to", "date", "content-type")


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome: `method` is the way that decided, `reason` a code that a person can be told."""

    passed: bool
    method: str  # "dmarc", "microsoft365", "dkim", "none"
    reason: str


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
    for found in _COMMENT_OR_QUOTED.finditer(value):
        if found.start() < at:
            continue
        if not depth:
            out.append(_quiet(value[at : found.start()], quoted=quoted))
        at = found.end()
        if found[0] == "\\":
            at += 1
        elif found[0] == '"' and not depth:
            quoted = not quoted
        elif not quoted:
            depth = depth + 1 if found[0] == "(" else max(0, depth - 1)
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
        found = _RESULT.match(piece.strip())
        if found:
            rest = piece.strip()[found.end() :]
            properties = {
                "".join(name.split()).lower(): content.strip('"').lower()
                for name, content in reversed(_PROPERTY.findall(rest)[:50])
            }
            methods.append((found[1].lower(), found[2].lower(), properties))
    return Results(server, tuple(methods))


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
    found = [entry for entry in results.methods if entry[0] == "dmarc"]
    if not found:
        return "no_dmarc_result"
    if len(found) > 1:
        return "several_dmarc_results"
    _, result, properties = found[0]
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
    return Proof(outcome == "pass", "dmarc", "dmarc_pass" if outcome == "pass" else outcome)


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
    return Proof(outcome == "pass", "microsoft365", "dmarc_pass" if outcome == "pass" else outcome)


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
    """Tell if the signing domain is the sender's, or a domain above it that is no bare suffix.

    Whoever owns a domain owns what is below it. The other way round, which DMARC allows too, a
    customer's or a tenant's subdomain would sign for the whole domain: that is no proof here.
    """
    return signer == sender_domain or ("." in signer and sender_domain.endswith("." + signer))


def _usable(tags: dict[str, str], sender_domain: str) -> str | None:
    """Give why a signature cannot prove anything, or None."""
    signed = [name.strip().lower() for name in tags.get("h", "").split(":")]
    signer = _domain(tags.get("d", ""))
    if signer is None or not _aligned(signer, sender_domain):
        return "signed_by_another_domain"
    if "l" in tags:
        return "signature_limits_length"
    if not _HEADERS_SIGNED - {"content-type"} <= set(signed):
        return "signature_leaves_headers_out"
    return None


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
        wrong = _usable(tags, sender_domain)
        if wrong is None and message.all("Content-Type"):
            signed = {name.strip().lower() for name in tags["h"].split(":")}
            wrong = None if "content-type" in signed else "signature_leaves_headers_out"
        if wrong is None and _verify(raw, number, dns):
            return Proof(True, "dkim", "dkim_pass")
        reason = wrong or "signature_wrong"
    return Proof(False, "dkim", reason)


def _verify(raw: bytes, number: int, dns: Dns | None) -> bool:
    import dkim

    try:
        crlf = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        checker = dkim.DKIM(crlf, minkey=1024, timeout=5)
        options = {"dnsfunc": dns} if dns else {}
        return bool(checker.verify(idx=number, **options))
    except Exception:  # noqa: BLE001 a foreign library on hostile input: no proof, whatever it raised
        return False


def authenticate(
    message: Message,
    raw: bytes,
    *,
    trusted_authserv_ids: Collection[str],
    microsoft365: bool,
    dkim: bool,
    dns: Dns | None = None,
) -> Proof:
    """Tell if the From domain is proven (D1), and how.

    Only the first Authentication-Results counts, and only if a server in `trusted_authserv_ids`
    wrote it. A trusted name further down is never believed, for the border writes on top, and
    anything below may have come with the mail. `microsoft365` believes the nameless form of
    Exchange Online above the first foreign Received. `dkim` adds our own check; it asks the DNS
    (`dns`, a function like dkimpy's, stands in for it). Never raises.
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
    passed = [proof for proof in tried if proof.passed]
    return (passed or tried or [Proof(False, "none", "no_way_to_prove")])[0]
