"""Delivery reports: the failed addresses, the reasons, and the message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from parsers import addresses, charset, header
from parsers.message import Message

_STATUS = re.compile(r"(?<![0-9.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_CODE = re.compile(r"(?<![0-9.:#-])([45])[0-9]{2}(?=[ \-:])")
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+=&'/-])[A-Za-z0-9._%+=&'/-]{1,64}"
    r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}"
)
_ID_LINE = re.compile(
    r"^[> |]{0,9}Message-ID:\s{0,9}(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
_DELAYED = re.compile(
    r"delayed|warning:? (?:message|could not)|still being retried|not yet been delivered"
    r"|will (?:keep trying|be retried|retry)|temporar|f[oö]rdr[oö]j|do not need to resend",
    re.IGNORECASE,
)
_DAEMON = re.compile(
    r"(?:^|[\s\"'<(])(?:mailer[-_ ]?daemon|post[-_ ]?master|mail delivery (?:sub)?system"
    r"|maildelivery|mail[-_ ]?daemon|bounce[-_]?daemon|internet mail delivery"
    r"|mdaemon@|system administrator|systemadministrat[^\s@]{0,3}|mail administrator)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^(?:undeliver|delivery (?:status|failure|notification|has failed)"
    r"|mail delivery (?:failed|system)"
    r"|failure notice|returned mail|mail (?:could not|system error|not delivered)|non[- ]?delivery|"
    r"ol[eä]vererbar|kunde inte levereras|ej levererat|leveransfel|message (?:not|undeliver)"
    r"|undelivered|delayed mail|permanent delivery failure|non-delivery"
    r"|warning: (?:message|could not send)|nondeliverable)",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"[<\s\"._-](?:ndr|admin|imss|mdaemon|gateway|inetgw|antivirus|smtp|mail[-_]?server|mta"
    r"|mailsystem|mail[-_]service|delivery|system)[^\s@]{0,40}@|_gateways?@|_mail_service@",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"could not be delivered|unable to deliver|delivery errors|not be delivered|failed recipients|"
    r"user unknown|no such user|delivery (?:has )?failed|kunde inte levereras|returned to sender",
    re.IGNORECASE,
)
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NOTIFICATION = "message/disposition-notification"
_ORIGINALS = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
        "message/rfc822-headers",
        "text/rfc822",
    }
)
_SCANNED = 100_000


@dataclass(frozen=True, slots=True)
class Failed:
    """An address without delivery. `status` is the RFC 3463 code, or empty."""

    address: str
    status: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report. `recipients` is empty without a readable address in it.

    `reporting_mta` is its author's own word for the author's host, in lower case, or empty.
    """

    recipients: tuple[Failed, ...]
    original_message_id: str | None
    reporting_mta: str = ""

    @property
    def permanent(self) -> bool:
        """Tell if any address failed for good."""
        return any(failed.permanent for failed in self.recipients)


def is_daemon(sender: str) -> bool:
    """Tell if a From field names the mail system instead of a person."""
    return bool(_DAEMON.search(sender[:500]))


def has_report(message: Message) -> bool:
    """Tell if a machine-readable delivery report stands in the message (RFC 3464)."""
    return message.report_type == "delivery-status" or any(
        part.content_type in _REPORTS for part in message.attachments
    )


def is_bounce(message: Message) -> bool:
    """Tell if a message is a delivery report: by report part, sender, or empty return path.

    A gateway's report in its own name is known by three things together: its subject, its text,
    and either a machine as sender or the returned mail attached.
    """
    if has_report(message) or message.header("X-Failed-Recipients"):
        return True
    if message.report_type == "disposition-notification":
        return is_rejection(message)
    sender = " ".join(message.all("From"))
    daemon = is_daemon(sender) or sender.strip().endswith("<>")
    empty_path = any(value.replace(" ", "") == "<>" for value in message.all("Return-Path"))
    about = bool(_SUBJECT.match(message.subject.strip()))
    if daemon and (about or empty_path or not message.in_reply_to):
        return True
    return about and (empty_path or _is_gateway_report(message, sender))


def is_rejection(message: Message) -> bool:
    """Tell if a disposition notification is a refusal (Sieve's reject), not a read receipt."""
    automatic = (message.header("Auto-Submitted") or "").lower()
    return "rejected" in automatic or message.subject.lower().startswith("automatically rejected")


def _is_gateway_report(message: Message, sender: str) -> bool:
    by_machine = bool(_MACHINE.search(sender)) or any(
        part.content_type in _ORIGINALS for part in message.attachments
    )
    return by_machine and bool(_FAILURE.search(_report_text(message)[:3000]))


def _groups(content: bytes) -> Iterator[dict[str, str]]:
    text = content[:_SCANNED].replace(b"\r\n", b"\n")
    for block in text.split(b"\n\n")[:300]:
        listed, _, _ = header.fields(block.lstrip(b"\n"))
        group = {name.lower(): header.unfold(value[:2000]) for name, value in listed[:50]}
        if group:
            yield group


def _typed(value: str) -> str:
    """Give the address of `rfc822; a@b`, normalised if possible."""
    raw = value.partition(";")[2].strip() if ";" in value else value.strip()
    raw = raw.strip("<> \t\"'")
    return addresses.normalise(raw) or (raw.lower() if "@" in raw[1:-1] and len(raw) < 320 else "")


def _from_report(content: bytes) -> list[Failed]:
    out: list[Failed] = []
    for group in _groups(content):
        target = group.get("original-recipient") or group.get("final-recipient") or ""
        address = _typed(target) or _typed(group.get("final-recipient", ""))
        action = group.get("action", "").partition(";")[0].strip().lower()
        if not address or action in {"delivered", "relayed", "expanded"}:
            continue
        code = _STATUS.search(group.get("status", "") + " " + group.get("diagnostic-code", ""))
        status = code[0] if code else ""
        # "failed" is final whatever the status: 4.4.7 is how days of trying end (RFC 3464, 2.3.3).
        over = action.startswith("failed") or not (action == "delayed" or status.startswith("4"))
        out.append(Failed(address, status, over))
    return out


def _report_text(message: Message) -> str:
    return "\n".join(part.text for part in message.texts)[:_SCANNED]


def _before_original(text: str) -> str:
    """Give the part of a report's text above the copy of the message."""
    ends = [
        at
        for mark in (
            "--- Below this line is a copy",
            "----- Original message",
            "------ This is a copy",
            "-----Original Message",
            "----- Message header",
            "   ----- Unsent message",
            "----- Transcript of message",
            "Received: ",
            "Original message follows",
        )
        if (at := text.find(mark)) > 0
    ]
    return text[: min(ends)] if ends else text


def _from_text(message: Message) -> list[Failed]:
    """Read reports without a standard: Exim, qmail, old Exchange, Sendmail, Postfix."""
    text = _before_original(_report_text(message))
    first_status = _STATUS.search(text)
    status = first_status[0] if first_status else ""
    code = _CODE.search(text)
    temporary = status.startswith("4") or (not status and code is not None and code[1] == "4")
    delayed = bool(_DELAYED.search(message.subject) or (_DELAYED.search(text[:3000]) and temporary))
    named = [value for line in message.all("X-Failed-Recipients") for value in line.split(",")]
    candidates = named or _ADDRESS.findall(text[:20000])
    own = {message.sender.address} if message.sender else set()
    seen = dict.fromkeys(
        address
        for raw in candidates
        if (address := addresses.normalise(raw.strip().strip(".'"))) and address not in own
    )
    kept = [address for address in seen if not is_daemon(address)]
    if not named and len(kept) > 1:
        kept = _near_failure(text, kept)
    return [Failed(address, status, not (temporary or delayed)) for address in kept[:50]]


def _near_failure(text: str, candidates: list[str]) -> list[str]:
    """Keep the addresses at the start of a line, else the first of all."""
    starts = (line.strip().lstrip("<*'\"- ").lower() for line in text.split("\n", 500)[:500])
    named = {hit[0] for start in starts if (hit := _ADDRESS.match(start))}
    return [address for address in candidates if address in named] or candidates[:1]


def _original_id(message: Message) -> str | None:
    for part in message.attachments:
        if part.content_type in _ORIGINALS:
            line = _ID_LINE.search(_unfolded_ids(part.content))
            if line:
                return line[1]
    line = _ID_LINE.search(_unfolded_ids(_report_text(message).encode()))
    if line:
        return line[1]
    return message.in_reply_to or (message.references[-1] if message.references else None)


def _unfolded_ids(content: bytes) -> str:
    text = charset.decode(content[:_SCANNED]).replace("\r\n", "\n")
    return text.replace("\n ", " ").replace("\n\t", " ")


def read_bounce(message: Message) -> Bounce | None:
    """Read a delivery report (RFC 3464, or one of the many other forms); None if it is none."""
    if not is_bounce(message):
        return None
    reports = [
        part.content
        for part in message.attachments
        if part.content_type in _REPORTS or part.content_type == _NOTIFICATION
    ]
    failures = [failed for report in reports for failed in _from_report(report)]
    unique = {failed.address: failed for failed in failures or _from_text(message)}
    author = next((name for report in reports if (name := _author(report))), "")
    return Bounce(tuple(unique.values()), _original_id(message), author)


def _author(report: bytes) -> str:
    """Give the Reporting-MTA of a report, without its type and comment (RFC 3464, 2.2.2)."""
    for group in _groups(report):
        name = group.get("reporting-mta", "").rpartition(";")[2].split()
        if name:
            return name[0].lower().rstrip(".")
    return ""
