"""Hours, money and dates read the way people write them, in both languages (J1)."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.domain import wording
from daemon.domain.money import Money

STOCKHOLM = ZoneInfo("Europe/Stockholm")
LOCALES = {"sv": "sv_SE", "en": "en_GB"}
LANGUAGE = st.sampled_from(wording.LANGUAGES)


@pytest.mark.parametrize(
    ("minutes", "written"),
    [
        (0, "0 min"),
        (1, "1 min"),
        (59, "59 min"),
        (60, "1 h"),
        (90, "1 h 30 min"),
        (900, "15 h"),
        (-90, "−1 h 30 min"),
        (6_001, "100 h 1 min"),
    ],
)
def test_hours_are_written_in_hours_and_minutes(minutes, written):
    assert wording.hours(minutes) == written


@settings(deadline=None)
@given(minutes=st.integers(-(10**6), 10**6))
def test_written_hours_add_up_to_their_minutes(minutes):
    words = wording.hours(minutes).lstrip("−").split()
    units = {"h": 60, "min": 1}
    amount = sum(int(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert amount == abs(minutes)
    assert wording.hours(minutes).startswith("−") == (minutes < 0)


@settings(deadline=None)
@given(ore=st.integers(0, 10**12))
def test_money_is_written_as_swedes_write_it(ore):
    expected = format_currency(Decimal(ore) / 100, "SEK", locale="sv_SE")
    assert wording.money(Money(ore), "sv") == expected
    assert wording.money(Money(-ore or -1), "sv").startswith("−")


@pytest.mark.parametrize(
    ("ore", "swedish", "english"),
    [
        (123_450, "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}kr", "SEK\N{NO-BREAK SPACE}1,234.50"),
        (0, "0,00\N{NO-BREAK SPACE}kr", "SEK\N{NO-BREAK SPACE}0.00"),
        (-5, "−0,05\N{NO-BREAK SPACE}kr", "SEK\N{NO-BREAK SPACE}−0.05"),
    ],
)
def test_money_has_ore_and_no_break_spaces(ore, swedish, english):
    assert wording.money(Money(ore), "sv") == swedish
    assert wording.money(Money(ore), "en") == english


def test_a_whole_price_has_no_ore():
    assert wording.price(Money(98_000), "sv") == "980\N{NO-BREAK SPACE}kr"
    assert wording.price(Money(98_050), "sv") == "980,50\N{NO-BREAK SPACE}kr"
    assert wording.price(Money(800_000), "en") == "SEK\N{NO-BREAK SPACE}8,000"


def test_a_deadline_is_a_weekday_and_a_clock_time_j1():
    at = dt.datetime(2026, 11, 30, 8, 30, 59, tzinfo=dt.UTC)
    assert wording.moment(at, STOCKHOLM, "sv") == "måndag 30 november kl. 09:30"
    assert wording.moment(at, STOCKHOLM, "en") == "Monday 30 November at 09:30"


@settings(deadline=None)
@given(
    seconds=st.integers(946_684_800, 4_102_444_800),  # the years 2000 to 2100
    language=LANGUAGE,
)
def test_moments_and_days_agree_with_the_language_s_own_calendar(seconds, language):
    at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    local = at.astimezone(STOCKHOLM)
    joint = "'kl.'" if language == "sv" else "'at'"
    locale = LOCALES[language]
    pattern = f"EEEE d MMMM {joint} HH:mm"
    assert wording.moment(at, STOCKHOLM, language) == format_datetime(local, pattern, locale=locale)
    expected = format_date(local.date(), "EEEE d MMMM y", locale=locale)
    assert wording.day(local.date(), language) == expected
    assert wording.dated_moment(at, STOCKHOLM, language) == format_datetime(
        local, f"d MMMM y {joint} HH:mm", locale=locale
    )


@pytest.mark.parametrize(
    ("name", "swedish", "english"),
    [
        ("2026-Q4", "kvartal 4 2026", "Q4 2026"),
        ("2026-H1", "första halvåret 2026", "the first half of 2026"),
        ("2026-H2", "andra halvåret 2026", "the second half of 2026"),
        ("2026-11", "november 2026", "November 2026"),
        ("2026", "2026", "2026"),
        ("något annat", "något annat", "något annat"),
    ],
)
def test_periods_have_names(name, swedish, english):
    assert wording.period(name, "sv") == swedish
    assert wording.period(name, "en") == english


def test_people_are_listed_with_an_and_before_the_last():
    assert wording.listed((), "sv") == ""
    assert wording.listed(("Bo",), "sv") == "Bo"
    assert wording.listed(("Bo", "Eva", "Kim"), "sv") == "Bo, Eva och Kim"
    assert wording.listed(("Bo", "Eva"), "en") == "Bo and Eva"
