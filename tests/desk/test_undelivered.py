"""What the desk reads of a mail that did not arrive, or of which nobody knows."""

from daemon.desk.ports import SendError
from daemon.store import tickets
from tests.builders import Catcher, a_mail

BO = "bo@acme.se"


class Refusing(Catcher):
    """A mailer whose server does not take what goes to Bo."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def send(self, envelope_from, recipient, raw):
        if recipient == BO:
            raise self.error
        return super().send(envelope_from, recipient, raw)


def notes(desk):
    with desk.desk.store.reading() as tx:
        ticket = tickets.by_number(tx, 1001)
        return [each.text for each in tickets.said(tx, ticket.id) if each.author == "machine"]


def test_a_refusal_for_good_is_a_note_on_the_ticket_in_the_desk_s_language(desk):
    desk.mailer = Refusing(SendError("550 5.1.1 no such person", permanent=True))
    desk.get(a_mail(), "2026-11-20 09:00")
    assert notes(desk) == [
        "Ett mejl till bo@acme.se kunde inte levereras: 550 5.1.1 no such person"
    ]


def test_what_may_have_arrived_is_not_told_as_lost(desk):
    desk.mailer = Refusing(SendError("lost after the final dot: timed out", unclear=True))
    desk.get(a_mail(), "2026-11-20 09:00")
    for minute in range(1, 5):
        desk.work(f"2026-11-20 09:0{minute}")
    (told,) = notes(desk)
    assert told.startswith("Ett mejl till bo@acme.se kom kanske inte fram, och skickas inte om")
    assert told.endswith("lost after the final dot: timed out")
