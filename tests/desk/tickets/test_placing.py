"""A stranger's ticket is placed with a customer: what the customer then hears (D2, J1, C8)."""

import pytest

from daemon.store.tickets import tickets
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, header_of, text_of

FRIDAY = "2026-11-20 09:00"
SIV = "Siv Ek <siv@gmail.com>"


@pytest.fixture
def notice(desk):
    """The notice of a stranger's ticket."""
    desk.get(a_mail(SIV, "Prio 2: Lagret"), FRIDAY)
    return desk.mailer.to("anna@example.se")[0]


def to_siv(desk):
    """What the stranger has got, in order."""
    return desk.mailer.to("siv@gmail.com")


def place(desk, notice, text, at="2026-11-20 09:20", **more):
    desk.get(an_engineers_mail(text, reply_to=notice, **more), at)
    return to_siv(desk)


def test_the_promise_is_told_once_it_is_known_J1(desk, notice):
    (first,) = to_siv(desk)
    assert "senast" not in text_of(first)
    _, told = place(desk, notice, "[kund: acme]")
    says = " ".join(text_of(told).split())
    assert "ärende 1001 till Acme AB" in says
    assert "senast fredag 20 november kl. 10:00" in says
    assert "den prioritet som du angav" in says
    assert "15 h kvar" in says
    assert header_of(told, "Auto-Submitted") == "auto-replied"
    assert header_of(told, "In-Reply-To") == header_of(first, "In-Reply-To")
    assert len(place(desk, notice, "[kund: acme] [intern]")) == 2


def test_it_comes_in_the_customers_language_J1(desk, notice):
    told = place(desk, notice, "[kund: delta]")[-1]
    says = text_of(told)
    assert "now belongs to Delta AB" in says
    assert "980" in says  # without an agreement the rate is what there is to know (F3)


def test_an_answer_in_the_same_mail_says_enough(desk, notice):
    _, answer = place(desk, notice, "Hej! Vi tittar på det. [kund: acme]")
    assert "Vi tittar på det." in text_of(answer)


def test_after_an_answer_there_is_nothing_to_promise_E1(desk, notice):
    place(desk, notice, "Hej! Vilket företag?", at="2026-11-20 09:10")
    assert len(place(desk, notice, "[kund: acme]")) == 2


def test_a_new_level_is_told_in_the_same_mail_C8(desk, notice):
    _, told = place(desk, notice, "[prio: 1] [kund: acme]")
    assert "Ärendet har nivå 1." in text_of(told)


def test_what_is_past_is_not_promised(desk, notice):
    _, told = place(desk, notice, "[kund: acme]", at="2026-11-20 14:00")
    assert "Vi tar oss an det så snart vi kan." in text_of(told)
    assert "senast" not in text_of(told)


@pytest.mark.parametrize("tags", ["[kund: acme] [klar]", "[kund: acme] [skräp]", "[kund: nix]"])
def test_what_is_closed_or_stays_unknown_gets_no_promise(desk, notice, tags):
    assert "senast" not in " ".join(map(text_of, place(desk, notice, tags)))


def test_a_machine_is_promised_nothing_J2(desk):
    machine = a_mail(SIV, "Larm", headers=[("Auto-Submitted", "auto-generated")])
    desk.get(machine, FRIDAY)
    assert place(desk, desk.mailer.to("anna@example.se")[0], "[kund: acme]") == []


def test_what_waited_in_silence_as_spam_is_confirmed_when_placed_D2(store, tmp_path):
    settings = SETTINGS.replace("[identity]", '[identity]\nspam_header = "X-Spam-Flag: YES"')
    desk = a_desk(store, tmp_path, settings=settings)
    desk.get(a_mail(SIV, "Lagret", headers=[("X-Spam-Flag", "YES")]), FRIDAY)
    assert desk.mailer.sent == []
    mail = an_engineers_mail("[kund: acme]", subject="[#1001] Lagret")
    desk.get(mail, "2026-11-20 09:20")
    (told,) = to_siv(desk)
    assert "senast fredag 20 november kl. 10:00" in text_of(told)


def test_a_ticket_moved_to_another_customer_is_not_told_to_the_first_ones_people_D7(desk):
    desk.get(a_mail(), FRIDAY)
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("[kund: beta]", reply_to=notice), "2026-11-20 09:20")
    assert len(desk.mailer.to("bo@acme.se")) == 1
    with desk.desk.store.reading() as tx:
        assert tickets.by_number(tx, 1001).customer_id != 1
