"""Opening hours: what is open when, what settings mean, and what is refused (A1–A3)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.domain.opening_hours import Calendar, CalendarError, OpeningHours, minutes_up

HOUR = timedelta(hours=1)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
EVERY_DAY = frozenset(range(1, 8))


def local(text, zone=STOCKHOLM):
    t = datetime.fromisoformat(text)
    return t if t.tzinfo else t.replace(tzinfo=zone)


def desk(**settings):
    return Calendar(OpeningHours(**settings))


def round_the_clock(**settings):
    return desk(open=time(0), close=time(0), weekdays=EVERY_DAY, closed=(), country="", **settings)


@pytest.mark.parametrize(
    ("t", "is_open"),
    [
        ("2026-11-23 07:59:59", False),
        ("2026-11-23 08:00", True),
        ("2026-11-23 16:59:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-21 12:00", False),
        ("2026-12-24 12:00", False),
    ],
)
def test_a_window_holds_its_opening_and_not_its_closing(t, is_open):
    """A1: every interval is half-open; A2."""
    assert desk().is_open(local(t)) is is_open


@pytest.mark.parametrize(
    ("t", "opening"),
    [
        ("2026-11-23 12:34:56", "2026-11-23 12:34:56"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 03:00", "2026-11-23 08:00"),
        ("2026-11-20 17:00", "2026-11-23 08:00"),
        ("2026-12-23 17:00", "2026-12-28 08:00"),
    ],
)
def test_the_next_opening_is_now_when_the_desk_is_open(t, opening):
    """A2, E7."""
    assert desk().next_opening(local(t)) == local(opening)


def test_an_answer_is_an_aware_instant_in_utc():
    """A1."""
    calendar = desk()
    t = local("2026-11-23 16:00")
    assert calendar.add(t, HOUR).tzinfo is UTC
    assert calendar.next_opening(t).tzinfo is UTC
    assert {each.tzinfo for each in calendar.opening_on(date(2026, 11, 23))} == {UTC}


@pytest.mark.parametrize(
    "ask",
    [
        lambda calendar, t: calendar.add(t, HOUR),
        lambda calendar, t: calendar.between(t, local("2026-11-23 16:00")),
        lambda calendar, t: calendar.between(local("2026-11-23 16:00"), t),
        lambda calendar, t: calendar.is_open(t),
        lambda calendar, t: calendar.next_opening(t),
        lambda calendar, t: calendar.openings(t, t),
        lambda calendar, t: calendar.local(t),
        lambda calendar, t: calendar.day_of(t),
        lambda calendar, t: calendar.promise(t),
        lambda calendar, t: calendar.minutes_used(t, t),
    ],
)
def test_a_naive_instant_is_refused(ask):
    """A1."""
    with pytest.raises(ValueError, match="aware"):
        ask(desk(), datetime(2026, 11, 23, 12))  # noqa: DTZ001  # the mistake under test


@pytest.mark.parametrize("d", [timedelta(seconds=-1), timedelta(microseconds=1)])
def test_only_whole_seconds_are_added_and_none_taken_away(d):
    """A1, A3."""
    with pytest.raises(ValueError, match="no opening time"):
        desk().add(local("2026-11-23 12:00"), d)


def test_nothing_lies_between_an_instant_and_an_earlier_one():
    """A3: [a, b) is empty when b is not after a."""
    later, earlier = local("2026-11-23 12:00"), local("2026-11-23 09:00")
    assert desk().between(later, earlier) == timedelta(0)
    assert desk().between(later, later) == timedelta(0)
    assert desk().openings(later, earlier) == []


def test_openings_are_cut_to_what_was_asked_for():
    """E9 needs the pieces of a span."""
    found = desk().openings(local("2026-11-20 16:00"), local("2026-11-23 09:30"))
    assert found == [
        (local("2026-11-20 16:00"), local("2026-11-20 17:00")),
        (local("2026-11-23 08:00"), local("2026-11-23 09:30")),
    ]
    assert desk().openings(local("2026-11-20 17:00"), local("2026-11-23 08:00")) == []


def test_a_day_opens_and_closes_by_the_wall_clock_in_summer_and_winter():
    """A3: the edges of a window are wall times."""
    summer = desk().opening_on(date(2026, 10, 23))
    winter = desk().opening_on(date(2026, 10, 26))
    assert [t.hour for t in summer] == [6, 15]
    assert [t.hour for t in winter] == [7, 16]
    assert desk().opening_on(date(2026, 10, 25)) is None
    assert desk().opening_on(date(2026, 12, 24)) is None


def test_opening_time_is_elapsed_time_across_summer_time():
    """A3: a desk that never closes has a day of 25 hours in October and of 23 in March."""
    calendar = round_the_clock()
    october = local("2026-10-25 00:00"), local("2026-10-26 00:00")
    march = local("2027-03-28 00:00"), local("2027-03-29 00:00")
    assert calendar.between(*october) == 25 * HOUR
    assert calendar.between(*march) == 23 * HOUR
    assert calendar.add(october[0], 4 * HOUR) == local("2026-10-25 03:00")
    assert calendar.add(march[0], 4 * HOUR) == local("2027-03-28 05:00")


def test_an_edge_that_the_clocks_skip_is_the_instant_of_the_change():
    """A3: the first second that shows that wall time or a later one."""
    opens_in_the_gap = round_the_clock_but(open=time(2, 30), close=time(6))
    closes_in_the_gap = round_the_clock_but(open=time(1), close=time(2, 30))
    change = local("2027-03-28 01:00+00:00")
    assert opens_in_the_gap.opening_on(date(2027, 3, 28))[0] == change
    assert closes_in_the_gap.opening_on(date(2027, 3, 28))[1] == change
    assert round_the_clock_but(open=time(2), close=time(3)).opening_on(date(2027, 3, 28)) is None


def test_an_edge_that_the_clocks_show_twice_is_the_first_time():
    """A3: the first second that shows that wall time or a later one."""
    calendar = round_the_clock_but(open=time(2, 15), close=time(2, 45))
    assert calendar.opening_on(date(2026, 10, 25)) == (
        local("2026-10-25 02:15+02:00"),
        local("2026-10-25 02:45+02:00"),
    )


def round_the_clock_but(**settings):
    return desk(weekdays=EVERY_DAY, closed=(), country="", **settings)


def test_closing_at_midnight_means_the_end_of_the_day():
    """A2: windows of neighbouring days touch, and the desk is open at midnight itself."""
    calendar = round_the_clock()
    midnight = local("2026-11-24 00:00")
    assert calendar.opening_on(date(2026, 11, 23)) == (local("2026-11-23 00:00"), midnight)
    assert calendar.is_open(midnight)
    assert calendar.add(local("2026-11-23 20:00"), 8 * HOUR) == local("2026-11-24 04:00")


def test_the_desk_keeps_the_days_of_its_own_zone():
    """A1: calendars and dates are in the desk's zone."""
    t = local("2026-11-30 23:30")
    assert desk().day_of(t) == date(2026, 11, 30)
    assert desk(zone="Asia/Tokyo").day_of(t) == date(2026, 12, 1)
    assert desk().local(t.astimezone(UTC)).isoformat() == "2026-11-30T23:30:00+01:00"


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 1)])
def test_a_day_begins_at_midnight_in_the_zone_of_the_desk_A1(zone, day):
    calendar = desk(zone=zone)
    midnight = calendar.midnight(day)
    assert midnight == local(f"{day} 00:00", ZoneInfo(zone))
    assert calendar.day_of(midnight) == day
    assert calendar.day_of(midnight.astimezone(UTC) - timedelta(seconds=1)) == day - timedelta(1)


def test_a_promise_is_cut_to_the_minute_and_use_is_rounded_up():
    """A3."""
    calendar = desk()
    assert calendar.promise(local("2026-11-23 16:59:59")).isoformat() == "2026-11-23T16:59:00+01:00"
    start = local("2026-11-23 09:00")
    for seconds, minutes in [(0, 0), (1, 1), (60, 1), (61, 2), (3600, 60)]:
        assert calendar.minutes_used(start, start + timedelta(seconds=seconds)) == minutes
        assert minutes_up(timedelta(seconds=seconds)) == minutes


def test_a_fraction_of_a_second_is_cut():
    """A1: instants are whole seconds."""
    t = local("2026-11-23 16:00:00.999999")
    assert desk().add(t, HOUR) == local("2026-11-23 17:00")
    assert desk().is_open(local("2026-11-23 16:59:59.999999"))


# --- settings ---


def test_closed_days_may_be_dates_or_names_however_they_are_typed():
    """A2."""
    calendar = desk(closed=(date(2026, 11, 24), "2026-11-25", " Trettondagsafton ", "Valborg"))
    assert calendar.opening_on(date(2026, 11, 24)) is None
    assert calendar.opening_on(date(2026, 11, 25)) is None
    assert calendar.closed_days(2026)[date(2026, 11, 24)] == "Extra stängd dag"
    assert calendar.closed_days(2026)[date(2026, 1, 5)] == "Trettondagsafton"
    assert calendar.closed_days(2026)[date(2026, 4, 30)] == "Valborgsmässoafton"
    assert calendar.opening_on(date(2026, 12, 24)) is not None


def test_a_name_tells_more_of_a_day_than_its_date():
    """A2: and a public holiday more than either."""
    calendar = desk(closed=("julafton", date(2026, 12, 24), date(2026, 1, 1)))
    assert calendar.closed_days(2026)[date(2026, 12, 24)] == "Julafton"
    assert calendar.closed_days(2026)[date(2026, 1, 1)] == "Nyårsdagen"


def test_a_half_day_closes_at_its_own_time():
    """A2: a date beats a name, and a closed day stays closed."""
    calendar = desk(
        half_days={
            date(2026, 4, 2): time(11),
            "skärtorsdagen": time(12),
            "julafton": time(10),
        }
    )
    assert calendar.opening_on(date(2026, 4, 2))[1] == local("2026-04-02 11:00")
    assert calendar.opening_on(date(2027, 3, 25))[1] == local("2027-03-25 12:00")
    assert calendar.opening_on(date(2026, 12, 24)) is None


def test_a_half_day_opens_no_weekend():
    """A2."""
    assert desk(half_days={date(2026, 11, 21): time(12)}).opening_on(date(2026, 11, 21)) is None


def test_another_country_has_its_own_public_holidays_and_none_has_none():
    """A2: *setting* country."""
    norway = desk(country="no", closed=())
    assert norway.opening_on(date(2026, 5, 17)) is None
    assert norway.opening_on(date(2027, 5, 17)) is None
    assert norway.opening_on(date(2026, 1, 6)) is not None
    assert date(2026, 11, 22) not in norway.closed_days(2026)
    assert desk(country="", closed=()).closed_days(2026) == {}


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"open": time(17), "close": time(8)}, "closing 08:00 is not after opening 17:00"),
        ({"open": time(8), "close": time(8)}, "not after"),
        ({"weekdays": frozenset()}, "weekdays"),
        ({"weekdays": frozenset({0, 1})}, "weekdays"),
        ({"zone": "Europe/Sthlm"}, "time zone"),
        ({"zone": "../etc"}, "time zone"),
        ({"zone": ""}, "time zone"),
        ({"closed": ("midsomarafton",)}, "midsomarafton.*midsommarafton"),
        ({"closed": ("2026-02-30",)}, "2026-02-30"),
        ({"half_days": {"julaftonen": time(12)}}, "julaftonen"),
        ({"half_days": {"julafton": time(8)}}, "half day julafton"),
        ({"half_days": {"julafton": time(0)}}, "half day julafton"),
    ],
)
def test_settings_that_make_no_calendar_are_refused_with_their_fault(settings, fault):
    """A2, A3."""
    with pytest.raises(CalendarError, match=fault):
        desk(**settings)


def test_an_unknown_country_is_told_before_any_day_is_asked_for():
    """A2: among the mistakes of the file, not at the first mail."""
    with pytest.raises(CalendarError, match="'XX'"):
        desk(country="XX")


def days_off(first, count):
    return tuple(first + timedelta(days=n) for n in range(count))


def test_a_calendar_without_an_opening_in_sixty_days_is_an_error():
    """A3: closed from 2026-07-01, so that the stretch begins at 17:00 on June 30."""
    ask = local("2026-06-01 09:00")
    almost = desk(weekdays=EVERY_DAY, closed=days_off(date(2026, 7, 1), 59), country="")
    assert almost.add(local("2026-06-30 16:30"), HOUR) == local("2026-08-29 08:30")
    too_long = desk(weekdays=EVERY_DAY, closed=days_off(date(2026, 7, 1), 60), country="")
    with pytest.raises(CalendarError, match="no opening between 2026-06-30 and 2026-08-30"):
        too_long.add(ask, HOUR)
    with pytest.raises(CalendarError, match="60 days"):
        too_long.next_opening(ask)


def test_sixty_days_to_the_second_are_too_long():
    """A3: in the 60 days from that midnight there is no opening."""
    settings = {"open": time(0), "close": time(0), "weekdays": EVERY_DAY, "country": ""}
    night = local("2026-06-30 23:00")
    almost = desk(closed=days_off(date(2026, 7, 1), 59), **settings)
    assert almost.add(night, 2 * HOUR) == local("2026-08-29 01:00")
    with pytest.raises(CalendarError, match="60 days"):
        desk(closed=days_off(date(2026, 7, 1), 60), **settings).add(night, HOUR)


def test_a_day_that_the_clocks_skip_as_a_whole_has_no_opening():
    """A1: Samoa went from December 29 to December 31 in 2011."""
    calendar = round_the_clock(zone="Pacific/Apia")
    assert calendar.opening_on(date(2011, 12, 30)) is None
    before = datetime(2011, 12, 29, 23, tzinfo=ZoneInfo("Pacific/Apia"))
    assert calendar.add(before, 2 * HOUR) == before.astimezone(UTC) + 2 * HOUR


# --- the table behind ---


@pytest.mark.parametrize("year", [1, 1969, 2200, 9999])
def test_an_instant_far_outside_the_calendar_is_refused(year):
    with pytest.raises(CalendarError, match="outside the years 1970–2199"):
        desk().add(datetime(year, 6, 1, tzinfo=UTC), HOUR)
    with pytest.raises(CalendarError, match="outside the years 1970–2199"):
        desk().opening_on(date(year, 6, 1))


def test_a_deadline_far_outside_the_calendar_is_refused():
    with pytest.raises(CalendarError, match="outside the years"):
        desk().add(local("2026-11-23 08:00"), timedelta(hours=500_000))


def test_a_long_way_is_the_sum_of_its_days():
    """A3: 30 years of a desk without holidays are 30 years of weekdays."""
    calendar = desk(country="", closed=())
    start, end = local("2026-01-01 00:00"), local("2056-01-01 00:00")
    weekdays = sum(
        (start.date() + timedelta(days=n)).weekday() < 5 for n in range((end - start).days)
    )
    assert calendar.between(start, end) == 9 * weekdays * HOUR
    assert calendar.add(start, 9 * weekdays * HOUR) == local("2055-12-31 17:00")


def test_the_order_of_questions_changes_no_answer():
    """A3: the table grows to either side as it is asked."""
    years = [2026, 1975, 2100, 2000, 2190]
    fresh = [desk().add(datetime(year, 3, 1, tzinfo=UTC), 100 * HOUR) for year in years]
    shared = desk()
    assert [shared.add(datetime(year, 3, 1, tzinfo=UTC), 100 * HOUR) for year in years] == fresh


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize("t", ["2026-12-31T23:30+00:00", "2027-01-01T00:30+00:00"])
def test_the_turn_of_the_year_is_covered_on_either_side_of_the_globe(zone, t):
    """A1: the desk's new year is another instant than that of UTC."""
    calendar = round_the_clock(zone=zone)
    assert calendar.is_open(local(t))
    assert desk(zone=zone).next_opening(local(t)) == desk(zone=zone).add(
        local(t), timedelta(seconds=1)
    ) - timedelta(seconds=1)


def test_the_next_opening_may_lie_in_a_year_that_nobody_asked_for():
    """A2: the table that was built for 2026 ends with 2027."""
    calendar = desk()
    calendar.is_open(local("2026-11-23 12:00"))
    assert calendar.next_opening(local("2027-12-31 18:00")) == local("2028-01-03 08:00")


def test_threads_may_share_a_calendar():
    """A3: many threads grow one table at once, and all count right."""
    shared = desk()
    starts = [datetime(1980 + n, 5, 1, tzinfo=UTC) for n in range(0, 60, 4)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda t: shared.add(t, 2000 * HOUR), starts))
    assert found == [desk().add(t, 2000 * HOUR) for t in starts]


def test_the_fingerprint_changes_with_what_decides_and_with_nothing_else():
    """E8: running clocks follow the calendar."""
    usual = desk().fingerprint
    asked_before = desk()
    asked_before.add(datetime(2100, 1, 1, tzinfo=UTC), HOUR)
    assert asked_before.fingerprint == usual
    assert desk(half_days={date(2026, 11, 22): time(12)}).fingerprint == usual
    assert desk(closed=("nyårsafton", "julafton", "midsommarafton")).fingerprint == usual
    others = [
        desk(closed=()),
        desk(close=time(16)),
        desk(country=""),
        desk(zone="Europe/Helsinki"),
        desk(half_days={date(2026, 11, 23): time(12)}),
    ]
    assert len({usual, *(each.fingerprint for each in others)}) == 6
