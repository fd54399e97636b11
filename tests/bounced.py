"""Delivery reports as mail servers write them, and as an attacker would."""

from tests.builders import header_of

SERVER = "mx.example.se"  # our own outgoing server
ELSEWHERE = "mx.kund.example"
LOCALLY = f"Received: by {SERVER} (Postfix)\r\n\tid 4F2B71; Fri, 20 Nov 2026 09:41:00 +0100 (CET)"
OVER_SMTP = (
    f"Received: from {SERVER} (unknown [203.0.113.7])\r\n\tby {SERVER} (Postfix) with ESMTP id 9A1;"
    " Fri, 20 Nov 2026 09:41:00 +0100 (CET)"
)


def a_bounce(
    sent: bytes | None,
    *failed: str,
    to: str = "support@example.se",
    by: str = SERVER,
    received: tuple[str, ...] = (),
    action: str = "failed",
    status: str = "5.1.1",
    serial: int = 1,
) -> bytes:
    """A report on that mail of ours (None: it does not say on which) for these recipients."""
    about = "\r\n".join(
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        for address in failed
    )
    original = f"Message-ID: {header_of(sent, 'Message-ID')}" if sent else "Subject: it was lost"
    return (
        "".join(f"{line}\r\n" for line in received) + f"From: MAILER-DAEMON@{by}\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nDate: Fri, 20 Nov 2026 09:41:00 +0100\r\n"
        f"Message-ID: <{serial}.{len(about)}@{by}>\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {by}\r\n\r\n"
        f"{about}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n\r\n--b--\r\n"
    ).encode()
