"""The story of the demonstration: which mail comes when, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MONTH: Final = "2026-11"
OPENS: Final = "2026-11-01 00:00"  # the register is imported
CLOSES: Final = "2026-12-01 00:00"  # the end of the month, in the desk's zone (H1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A mail that comes to the SMTP door at an instant, written in the desk's wall time.

    `says` are texts that must stand in the mails that go out for it, or in what is told of it.
    """

    at: str
    sample: str
    about: str
    says: tuple[str, ...] = ()


SCENES: Final = (
    Scene(
        "2026-11-02 08:12",
        "01-nordhamn-critical.eml",
        "Everything stands still. The subject's first word is a level of the priority table.",
        ("senast måndag 2 november kl. 09:12",),
    ),
    Scene(
        "2026-11-02 08:13",
        "01-nordhamn-critical.eml",
        "The same mail once more, as after a lost connection: one message, one effect (B3).",
        ("known already: nothing happens",),
    ),
    Scene(
        "2026-11-02 08:41",
        "02-anna-answers-nordhamn.eml",
        "An engineer answers from her mail program. Her tags are carried out and cut; the tag in "
        "the quoted text counts nothing.",
        ("met after 29 of 60 min", "bank 900 → 810 min"),
    ),
    Scene(
        "2026-11-02 09:05",
        "03-bo-thanks.eml",
        "A thank-you never reopens a ticket (D5).",
    ),
    Scene(
        "2026-11-03 10:05",
        "04-grace-labels.eml",
        "English, and a label on a line of its own. Sixteen opening hours on.",
        ("no later than Thursday 5 November at 08:05",),
    ),
    Scene(
        "2026-11-03 14:20",
        "05-erik-answers-grace.eml",
        "Tags work in English as well.",
        ("met after 255 of 960 min", "bank 240 → 215 min"),
    ),
    Scene(
        "2026-11-03 14:21",
        "06-grace-out-of-office.eml",
        "An automatic reply ends no pause, starts no clock, and is never answered.",
    ),
    Scene(
        "2026-11-05 09:30",
        "07-cia-report.eml",
        "No priority stated: level 3. An Attend! agreement from 1 November has 239 min of the "
        "quarter's 360 (G3).",
        ("senast fredag 6 november kl. 08:30",),
    ),
    Scene(
        "2026-11-05 14:50",
        "08-anna-answers-cia.eml",
        "Three hours and twenty minutes.",
        ("met after 320 of 480 min", "bank 239 → 39 min"),
    ),
    Scene(
        "2026-11-06 08:20",
        "09-cia-replies.eml",
        "The customer's reply joins its ticket by our Message-ID, and starts a follow-up clock.",
    ),
    Scene(
        "2026-11-06 11:40",
        "10-anna-answers-cia-again.eml",
        "Ninety minutes more than the bank has are split where it ends (G4).",
        ("bank 39 → 0 min, 51 min beyond it",),
    ),
    Scene(
        "2026-11-09 13:05",
        "11-stranger.eml",
        "Nobody knows the address: a ticket without customer, and no promise of time (D2).",
    ),
    Scene(
        "2026-11-09 13:40",
        "12-erik-places-stranger.eml",
        "An engineer places it.",
        ("45 min to bill by the hour",),
    ),
    Scene(
        "2026-11-10 08:55",
        "13-ola-urgent.eml",
        "A customer without agreement writes “Akut”: level 1, but nothing is promised (F3).",
        ("980 kr",),
    ),
    Scene(
        "2026-11-10 09:20",
        "14-erik-forgets-the-unit.eml",
        "[tid: 15] is refused, never guessed (C10). The answer goes out all the same.",
        ("Enheten saknas",),
    ),
    Scene(
        "2026-11-10 09:26",
        "15-erik-writes-the-unit.eml",
        "He answers the receipt; nothing of that reaches the customer.",
    ),
    Scene("2026-11-10 15:30", "16-erik-finishes.eml", "Two hours, and done."),
    Scene(
        "2026-11-11 08:10",
        "17-erik-corrects.eml",
        "A minus in reply to a receipt corrects what it booked.",
    ),
    Scene(
        "2026-11-12 10:15",
        "18-spoofed-engineer.eml",
        "Somebody writes in Anna's name. The border says dmarc=fail; a forged line below counts "
        "nothing. Held: not a word of it reaches anybody but Anna (D1).",
        ("Är mejlet från dig?",),
    ),
    Scene(
        "2026-11-12 16:40",
        "19-erik-from-his-phone.eml",
        "Erik's own mail, by a way that proves nothing either.",
        ("Är mejlet från dig?",),
    ),
    Scene(
        "2026-11-12 17:05",
        "20-erik-confirms.eml",
        "He answers the request: his mail goes through, with the time it was received.",
        ("40 min on #1002",),
    ),
    Scene(
        "2026-11-16 09:00",
        "21-tom-export.eml",
        "A label with number in the subject.",
        ("no later than Tuesday 17 November at 16:00",),
    ),
    Scene("2026-11-16 10:30", "22-erik-answers-tom.eml", "The answer stops the clock …"),
    Scene(
        "2026-11-16 10:31",
        "23-bounce.eml",
        "… but it did not arrive: the clock runs again, from where it started (E1).",
        ("runs on",),
    ),
    Scene(
        "2026-11-16 11:10",
        "24-erik-phones-tom.eml",
        "For colleagues only. [start] says that work began, without a mail to the customer.",
    ),
    Scene(
        "2026-11-18 15:15",
        "25-erik-after-a-phone-call.eml",
        "A phone call becomes a ticket: an engineer opens it for the customer (D6).",
    ),
    Scene(
        "2026-11-20 16:30",
        "26-bo-friday-afternoon.eml",
        "One opening hour from Friday 16:30 is Monday 08:30 (A3).",
        ("senast måndag 23 november kl. 08:30",),
    ),
    Scene(
        "2026-11-23 08:12",
        "27-anna-answers-bo.eml",
        "In time.",
        ("met after 42 of 60 min",),
    ),
    Scene(
        "2026-11-23 08:40",
        "28-anna-notes-time.eml",
        "Time without a message to the customer; the ticket stays closed.",
    ),
)

# What the drafts must be, reckoned by hand from the agreement's tables:
#   nordhamn   Alert!: 90 + 70 + 20 = 180 min of the 900 in the bank, so the fee alone.
#   bergsag    Attend! from 1 November: 360 × 61 / 92 = 239 min (238.7). 200 + 90 = 290 were used,
#              51 beyond: 0.85 h × 890.00 = 756.50. With the fee: 3 000.00 + 756.50.
#   bluewater  Access!: 25 + 40 + 20 + 10 + 35 = 130 min of the 240 in the bank, so the fee alone.
#   tallek     no agreement: 45 + 15 + 120 - 30 = 150 min, 2.50 h × 980.00.
NETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AVT-bergsag-2026-11": "3756.50",
        "AVT-bluewater-2026-11": "500.00",
        "AVT-nordhamn-2026-11": "8000.00",
        "AVT-tallek-2026-11": "2450.00",
    }
)
