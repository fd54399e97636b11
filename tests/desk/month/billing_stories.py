"""What the tests of money share: an accounting system that takes every draft, and booked time."""

from dataclasses import dataclass, field

from daemon.domain.invoice import AccountingInvoice
from daemon.store.money import register, statements
from tests.builders import a_mail, an_engineers_mail


@dataclass
class Books:
    """An accounting system that takes every draft."""

    made: list = field(default_factory=list)

    def preflight(self, drafts):
        return []

    def find(self, reference):
        return [each for each in self.made if each.reference == reference]

    def create(self, draft):
        number = str(len(self.made) + 1)
        self.made.append(AccountingInvoice(number, draft.reference, draft.net, draft.rows))
        return self.made[-1]

    def attach(self, number, name, pdf):
        return False


def book(desk, text, at, sender="cia@beta.se", subject="Rapporten"):
    """A customer's mail and an engineer's answer with time; gives the notice she answered."""
    desk.get(a_mail(sender, subject, f"Hej {at}"), at)
    notice = desk.mailer.to("anna@example.se")[-1]
    answer(desk, text, at, notice)
    return notice


def answer(desk, text, at, notice, subject="SV: ärende"):
    """An engineer's answer; gives the last mail to her, the receipt."""
    desk.get(an_engineers_mail(text, reply_to=notice, subject=subject), at)
    return desk.mailer.to("anna@example.se")[-1]


def frozen(desk, month="2026-11", key="beta"):
    """The frozen statement of a customer and month."""
    with desk.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        found = statements.listing(tx, month=month, customer_id=customer.id)
        return found[0] if found else None
