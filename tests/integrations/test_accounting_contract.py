"""What every accounting system must do for the desk (ports.Accounting): Fortnox and files alike."""

import datetime as dt

import pytest

from daemon.desk.ports import Accounting
from daemon.domain.money import Money
from integrations.files.drafts import FileDrafts


@pytest.fixture(params=["fortnox", "files"])
def accounting(request, tmp_path):
    if request.param == "files":
        return FileDrafts(tmp_path / "drafts")
    return request.getfixturevalue("client")


def test_both_systems_fit_the_desks_port(client, tmp_path):
    systems: list[Accounting] = [client, FileDrafts(tmp_path)]
    wanted = {name for name in vars(Accounting) if not name.startswith("_")}
    assert {"preflight", "find", "create", "attach", "read", "changed_since", "stop"} <= wanted
    for system in systems:
        assert all(hasattr(system, name) for name in wanted)


def test_a_draft_comes_back_as_it_was_sent_to_the_ore(accounting, a_draft):
    """I3: the echo has rows and net."""
    draft = a_draft()
    echo = accounting.create(draft)
    assert echo.reference == "AVT-beta-2026-11"
    assert echo.net == draft.net == Money.parse("8722.50")
    assert echo.rows == draft.rows


def test_a_draft_is_neither_booked_nor_sent(accounting, a_draft):
    """I2."""
    echo = accounting.create(a_draft())
    flags = (echo.booked, echo.sent, echo.cancelled, echo.credit, echo.credited_by, echo.paid_on)
    assert flags == (False, False, False, False, None, None)


def test_what_was_created_is_found_whole(accounting, a_draft):
    """I1: a look-up after an unclear answer adopts the invoice, and I3 compares it."""
    echo = accounting.create(a_draft())
    assert list(accounting.find("AVT-beta-2026-11")) == [echo]


def test_nothing_is_found_before_anything_is_created(accounting):
    """I1."""
    assert list(accounting.find("AVT-beta-2026-11")) == []


@pytest.mark.parametrize("other", ["AVT-beta-2026-1", "AVT-bet-2026-11", "avt-beta-2026-11", "AVT"])
def test_a_key_is_compared_exactly(accounting, a_draft, other):
    """I1: no part, no other case."""
    accounting.create(a_draft())
    assert list(accounting.find(other)) == []


def test_a_key_that_contains_another_is_not_the_other(accounting, a_draft):
    """I1: AVT-b-2026-11 does not find AVT-b-2026-11x."""
    longer = accounting.create(a_draft(reference="AVT-beta-2026-11x"))
    exact = accounting.create(a_draft())
    assert [found.number for found in accounting.find("AVT-beta-2026-11")] == [exact.number]
    assert longer.number != exact.number


def test_each_draft_has_a_number_of_its_own(accounting, a_draft):
    numbers = [accounting.create(a_draft(month=f"2026-{month:02}")).number for month in range(1, 6)]
    assert [int(number) for number in numbers] == [1, 2, 3, 4, 5]


def test_preflight_is_content_with_a_good_draft_and_creates_nothing(accounting, a_draft):
    assert list(accounting.preflight([a_draft()])) == []
    assert list(accounting.preflight([])) == []
    assert list(accounting.find("AVT-beta-2026-11")) == []


def test_a_specification_can_be_attached(accounting, a_draft):
    echo = accounting.create(a_draft())
    assert accounting.attach(echo.number, "specifikation-2026-11.pdf", b"%PDF-1.7 spec") is True


def test_a_credit_row_keeps_its_sign(accounting, a_draft, a_row):
    """H3: a credit is a row with a negative quantity."""
    draft = a_draft(rows=(a_row(), a_row("overage", "-1.25", "850.00", "Övertid i oktober")))
    echo = accounting.create(draft)
    assert echo.rows[1].quantity == draft.rows[1].quantity
    assert echo.net == Money.parse("6937.50")


def test_the_state_of_invoices_tells_what_is_gone(accounting, a_draft):
    """I4."""
    echo = accounting.create(a_draft())
    assert [accounting.read(number) for number in (echo.number, "99")] == [echo, None]
    assert accounting.read(echo.number).paid_on is None


def test_a_date_and_two_languages_are_taken(accounting, a_draft):
    for language, month in (("sv", "2026-10"), ("en", "2026-12")):
        draft = a_draft(month=month, language=language, date=dt.date(2026, 11, 30))
        assert accounting.create(draft).net == draft.net


def test_a_reference_that_could_mislead_a_search_is_refused(accounting, a_draft):
    """I1: keys hold no wild cards and no path."""
    for reference in ("AVT-%-2026-11", "AVT_beta", "../beta", "", "x" * 81):
        with pytest.raises(Exception, match="referensen"):
            accounting.create(a_draft(reference=reference))
    assert list(accounting.find("AVT-beta-2026-11")) == []


def test_a_look_lists_all_of_ours_and_what_has_changed_since(accounting, a_draft):
    """I4: a draft that is there is listed, with what a list tells of it."""
    echo = accounting.create(a_draft())
    [listed] = accounting.changed_since(None)
    assert (listed.number, listed.reference) == (echo.number, "AVT-beta-2026-11")
    assert (listed.booked, listed.sent, listed.cancelled) == (False, False, False)
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert [each.number for each in accounting.changed_since(long_ago)] == [echo.number]
    assert accounting.changed_since(dt.datetime(2099, 1, 1, tzinfo=dt.UTC)) == []


def test_a_stop_is_always_possible(accounting, a_draft):
    accounting.stop()
