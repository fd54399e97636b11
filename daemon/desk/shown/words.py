"""The words for states, in Swedish and English: `say(*INVOICE[state])`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from daemon.store.fault import STEPS

Words = Mapping[str, tuple[str, str]]

INVOICE: Final[Words] = MappingProxyType(
    {
        "approval": ("väntar på OK", "waits for an OK"),
        "waiting": ("väntar", "waits"),
        "intent": ("skickas", "being sent"),
        "unclear": ("oklar", "unclear"),
        "fault": ("fel", "fault"),
        "pushed": ("utkast", "draft"),
        "booked": ("bokförd", "booked"),
        "sent": ("skickad", "sent"),
        "paid": ("betald", "paid"),
        "credited": ("krediterad", "credited"),
        "cancelled": ("makulerad", "cancelled"),
        "gone": ("borttagen", "removed"),
    }
)
STATEMENT: Final[Words] = MappingProxyType(
    {
        "open": ("öppen månad, förhandsvisning", "open month, a preview"),
        "held": ("väntar", "held"),
        "approval": ("väntar på ekonomins OK", "waits for finance's OK"),
        "frozen": ("avräknad, ännu inte överförd", "closed, not pushed yet"),
        "pushing": ("avräknad, överförs", "closed, being pushed"),
        "pushed": ("avräknad, fakturautkast", "closed, invoice draft"),
        "nothing": ("avräknad, inget att fakturera", "closed, nothing to invoice"),
    }
)
MOVEMENT: Final[Words] = MappingProxyType(  # of a time bank
    {
        "grant": ("beviljat", "granted"),
        "adjustment": ("justering", "adjustment"),
        "use": ("använt", "used"),
        "reversal": ("återfört", "returned"),
        "expiry": ("förfallet", "expired"),
    }
)
CLOCK: Final[Words] = MappingProxyType(
    {
        "response": ("svarstid", "response"),
        "follow-up": ("uppföljning", "follow-up"),
        "resolution": ("lösning", "resolution"),
    }
)
RESULT: Final[Words] = MappingProxyType(  # of a clock
    {
        "running": ("går", "running"),
        "met": ("i tid", "met"),
        "missed": ("för sent", "missed"),
        "unanswered": ("stängt utan svar", "unanswered"),
    }
)
WHY: Final[Words] = MappingProxyType(  # a clock runs or stands still
    {
        "open": ("öppet", "open"),
        "closed": ("stängt", "closed"),
        "paused": ("väntar på kunden", "waiting for the customer"),
        "frozen": ("som räknat när klockan stannade", "as counted when the clock ended"),
    }
)
WHY_TO_CUSTOMER: Final[Words] = MappingProxyType(  # the same in a letter
    {
        "open": ("öppet, klockan går", "open, the clock runs"),
        "closed": ("stängt", "closed"),
        "paused": ("väntar på er, klockan står", "waiting, it stands"),
        "frozen": ("räknat när klockan stannade", "as counted when the clock ended"),
    }
)


@dataclass(frozen=True, slots=True)
class KillStep:
    """A step of a mail's way; a test can kill the process there."""

    name: str
    state: str  # of the mail by then


def steps() -> list[KillStep]:
    """The steps in the order of a mail's way."""
    return [KillStep(name, state) for name, state in STEPS.items()]
