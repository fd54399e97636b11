"""Values in files: what each reader takes, and what it refuses with what would be right."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.agreement import BUILT_IN, Targets, Terms
from daemon.domain.money import Money
from daemon.settings import plans, values
from daemon.settings.mail import Limits
from daemon.settings.plans import TermsTable
from daemon.settings.values import Listen, Place
from parsers import message

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.datetimes(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=4,
)
READERS = [
    values.line,
    values.line_or_nothing,
    values.flag,
    values.whole(1, 9),
    values.duration,
    values.some_time,
    values.size,
    values.money,
    values.clock_time,
    values.day,
    values.instant,
    values.month,
    values.address,
    values.domain,
    values.host,
    values.listen,
    values.url,
    values.zone,
    values.header,
    plans.minutes,
    plans.targets,
    plans.rounding,
]


def refusal(read, *value) -> str:
    """Why a reader refuses a value; ValueError is the only way to do so."""
    try:
        read(*value)
    except ValueError as error:
        return str(error)
    return "it is not refused"


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@given(value=ANYTHING)
def test_whatever_stands_in_a_file_is_read_or_refused_in_a_sentence(read, value):
    assert len(refusal(read, value)) > 10


PLACED = [values.path_there, values.database_url, values.secret]


@pytest.mark.parametrize("read", PLACED, ids=lambda read: read.__name__)
@given(value=ANYTHING)
def test_the_same_of_what_counts_from_a_folder(read, value, tmp_path_factory):
    place = Place(tmp_path_factory.getbasetemp() / "nowhere")
    assert len(refusal(read, value, place)) > 10


@given(st.integers(0, 9_999_999), st.sampled_from("smhd"))
def test_a_duration_is_its_number_of_seconds(number, unit):
    seconds = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}[unit] * number
    assert values.duration(f"{number}{unit}").total_seconds() == seconds


@pytest.mark.parametrize("text", ["1.5h", "-1h", "1 h", "h", "1w", "1H", "١h", "", 5, dt.time(1)])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match='"90s"'):
        values.duration(text)


@given(st.integers(0, 10**14 - 1))
def test_money_is_exact_to_the_ore(ore):
    assert values.money(f"{ore // 100}.{ore % 100:02}") == Money(ore)


@pytest.mark.parametrize("text", ["8000", "8000.5", "8 000.00", "8000,00", "-1.00", "1e3", 8000.00])
def test_what_is_no_money_is_refused(text):
    with pytest.raises(ValueError, match=r'"8000\.00"'):
        values.money(text)


def test_money_and_numbers_that_are_booleans_are_refused():
    """In Python true is 1; in a file it is a mistake."""
    with pytest.raises(ValueError, match="whole number"):
        values.whole(0, 1)(True)
    with pytest.raises(ValueError, match="hours"):
        plans.minutes(True)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("08:00", dt.time(8)),
        ("8:05", dt.time(8, 5)),
        ("24:00", dt.time(0)),
        ("00:00", dt.time(0)),
        (dt.time(12, 30), dt.time(12, 30)),
    ],
)
def test_a_wall_time_is_read(text, time):
    assert values.clock_time(text) == time


def test_a_date_is_no_instant_and_an_instant_no_date():
    """A1"""
    midnight = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(ValueError, match="date"):
        values.day(midnight)
    with pytest.raises(ValueError, match="offset"):
        values.instant(dt.date(2026, 1, 1))


def test_an_instant_is_kept_in_utc_and_whole_seconds():
    """A1"""
    read = values.instant("2026-01-31T08:00:00.9+01:00")
    assert read == dt.datetime(2026, 1, 31, 7, tzinfo=dt.UTC)
    assert read.utcoffset() == dt.timedelta(0)
    assert values.instant("2026-01-31T07:00:00Z") == read


@pytest.mark.parametrize(
    ("text", "door"),
    [
        ("127.0.0.1:2424", Listen("127.0.0.1", 2424)),
        ("[::1]:25", Listen("::1", 25)),
        ("mail.example.se:0", Listen("mail.example.se", 0)),
    ],
)
def test_a_door_is_host_and_port(text, door):
    assert values.listen(text) == door


@pytest.mark.parametrize("text", ["2424", ":25", "a:b", "a:70000", "unix:relative", "a b:1"])
def test_what_is_no_door_is_refused(text):
    with pytest.raises(ValueError, match=r"host"):
        values.listen(text)


@pytest.mark.parametrize("text", ["http://api.fortnox.se", "ftp://x", "api.fortnox.se", "https://"])
def test_an_address_outside_this_machine_is_https(text):
    with pytest.raises(ValueError, match="https://"):
        values.url(text)


def test_a_double_on_this_machine_needs_no_tls():
    assert values.url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"
    assert values.url("http://localhost:1/a") == "http://localhost:1/a"


@pytest.mark.parametrize(
    ("value", "minutes"),
    [(8, 480), (1.5, 90), (0.25, 15), (0.05, 3), ("50m", 50), ("2h", 120), (0, 0)],
)
def test_hours_become_whole_minutes(value, minutes):
    assert plans.minutes(value) == minutes


@pytest.mark.parametrize("value", [0.01, -1, float("inf"), float("nan"), 10_001, "90s", "1,5"])
def test_hours_that_are_no_whole_minutes_are_refused(value):
    with pytest.raises(ValueError, match=r"hours|whole minutes"):
        plans.minutes(value)


# --- terms, as files and as the database have them ----------------------------------------------

TARGETS = st.dictionaries(st.integers(1, 4), st.integers(0, 10_000)).map(Targets)
AMOUNTS = st.integers(0, 10**9).map(Money)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "response": TARGETS,
        "resolution": TARGETS,
        "bank_minutes": st.integers(0, 600_000),
        "bank_period": st.sampled_from(["quarter", "half-year", "year"]),
        "monthly_fee": AMOUNTS,
        "hourly_rate": AMOUNTS,
        "outside_rate": AMOUNTS,
        "term_months": st.integers(0, 120),
        "review_meetings": st.sampled_from(["quarter", "half-year", None]),
        "reports": st.sampled_from(["month", "quarter", "year", None]),
        "increment": st.sampled_from([1, 15, 30, 60]),
    },
)


@given(SAID)
def test_terms_come_back_from_json_as_they_were(said):
    stored = BUILT_IN["none"].terms.to_json() | plans.as_json(said)
    terms = Terms.from_json(stored)
    assert {name: getattr(terms, name) for name in said} == said


@given(SAID)
def test_terms_come_back_from_a_file_as_they_were(said):
    from daemon.settings.checked import checked

    written = plans.as_written(plans.as_json(said))
    read = checked(TermsTable, written, "register.toml", Place(None))
    assert read.mistakes == ()
    assert plans.said(read.value) == said


def test_every_term_but_the_plans_own_names_may_be_said():
    """Contract 2: any term of the plan, for one agreement."""
    names = set(BUILT_IN["alert"].terms.to_json())
    assert set(plans._FIELDS.values()) == names - {"plan", "plan_name"}


# --- limits --------------------------------------------------------------------------------------


def test_the_limits_are_those_of_the_reader_of_messages():
    """B1: the defaults of settings and reader are the same, and every limit can be set."""
    assert Limits().for_parsers() == message.Limits()
    names = re.findall(r"(\w+)=", repr(message.Limits()))
    changed = Limits(**dict.fromkeys(Limits.__slots__, 7)).for_parsers()
    assert {getattr(changed, name) for name in names} == {7}


def test_decimals_of_hours_are_exact():
    """No binary float decides a minute: 0.1 h is 6 min."""
    for tenth in range(100):
        assert plans.minutes(float(Decimal(tenth) / 10)) == tenth * 6
