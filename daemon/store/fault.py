"""Named steps of intake, processing and sending, at which a test can kill the process.

`AVTALD_KILL_AT=inbox.committed` kills it there at once, as a power cut would; `…:3` kills it at the
third pass. Without the variable a step costs one comparison.
"""

import os
import signal
from collections.abc import Mapping
from itertools import count
from types import MappingProxyType

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "door.received": "an SMTP or LMTP door has a mail's whole text; nothing is kept yet",
        "imap.fetched": "a mailbox gave some mails; nothing is kept yet",
        "inbox.writing": "the mails are written; their transaction is open",
        "inbox.committed": "the mails are durable; nobody has been told",
        "door.answered": "the 250 is on its way",
        "imap.moved": "the mails are in the done folder, or marked; that is not noted yet",
        "imap.noted": "that is noted",
        "inbox.claimed": "the attempt on some messages is counted, and they are leased",
        "message.read": "one of them is read; nothing has been done",
        "message.acted": "its effects are in the open transaction; it does not say done",
        "message.finished": "it says done, in the open transaction",
        "messages.committed": "all of them are done, durably",
        "outbox.claimed": "some deliveries are marked as being sent",
        "mail.offered": "a mail is about to go to the outgoing server",
        "mail.taken": "the server has taken it; that is not noted",
        "outbox.settling": "that is noted; the transaction is open",
        "outbox.settled": "that is noted, durably",
    }
)
_AT, _, _TIME = os.environ.get("AVTALD_KILL_AT", "").partition(":")
_PASSES = count(1)


def fault_point(name: str) -> None:
    """Die here without another word, if the environment asks for it."""
    if name == _AT and next(_PASSES) == int(_TIME or 1):
        os.kill(os.getpid(), signal.SIGKILL)
