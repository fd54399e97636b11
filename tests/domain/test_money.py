"""Money rounds half away from zero, once, and exactly (A5, H4)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.money import ZERO, Money, half_up, total

ORE = st.integers(-(10**12), 10**12)


def naive_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number; of two as near, the one further from zero."""
    below = numerator // denominator
    near = [below, below + 1]
    near.sort(key=lambda each: (abs(Fraction(numerator, denominator) - each), -abs(each)))
    return near[0]


@given(numerator=st.integers(-(10**9), 10**9), denominator=st.integers(1, 10**4))
def test_half_up_goes_to_the_nearest_and_away_from_zero_a5(numerator, denominator):
    expected = naive_half_up(numerator, denominator)
    assert half_up(Fraction(numerator, denominator)) == expected


@given(value=st.decimals(-(10**9), 10**9, places=4), decimals=st.integers(0, 3))
def test_a_decimal_rounds_as_the_same_fraction_does_a5(value, decimals):
    assert half_up(value, decimals) == half_up(Fraction(value), decimals)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("-0.5", -1), ("1.5", 2), ("2.5", 3), ("-2.5", -3), ("2.4999", 2), ("0.49", 0)],
)
def test_a_half_goes_away_from_zero_a5(value, rounded):
    assert half_up(Decimal(value)) == rounded
    assert half_up(Fraction(value)) == rounded


def test_rounded_hours_have_two_decimals_in_print_h4():
    assert str(half_up(Fraction(51, 60), 2)) == "0.85"
    assert str(half_up(Fraction(60, 60), 2)) == "1.00"
    assert str(half_up(Fraction(-1, 200), 2)) == "-0.01"


@given(ore=ORE)
def test_an_amount_is_read_as_it_was_printed(ore):
    assert Money.parse(str(Money(ore))) == Money(ore)


@pytest.mark.parametrize(
    ("text", "ore"), [("8000.00", 800000), ("12.5", 1250), ("-0.05", -5), ("7", 700), ("0.00", 0)]
)
def test_an_amount_is_kronor_with_up_to_two_decimals(text, ore):
    assert Money.parse(text).ore == ore


@pytest.mark.parametrize(
    "text",
    ["", "8 000", "8,00", "1.234", "+1", ".5", "5.", "1e3", "NaN", "٣", "1\n", "12345678901234"],
)
def test_anything_else_is_no_amount(text):
    with pytest.raises(ValueError, match="is no amount"):
        Money.parse(text)


@given(fee=st.integers(0, 10**8), days=st.integers(0, 31), whole=st.integers(28, 31))
def test_a_share_of_a_fee_is_rounded_once_h2(fee, days, whole):
    assert Money(fee).share(days, whole).ore == naive_half_up(fee * days, whole)


def test_a_whole_month_is_the_fee_itself_h2():
    assert Money(799999).share(30, 30) == Money(799999)


@given(ore=ORE, hundredths=st.integers(-(10**6), 10**6))
def test_quantity_times_price_is_rounded_half_up_to_ore_h4(ore, hundredths):
    product = Money(ore).times(Decimal(hundredths).scaleb(-2))
    assert product.ore == naive_half_up(ore * hundredths, 100)


def test_the_row_of_the_example_is_756_kronor_50_ore_h4():
    assert str(Money.parse("890.00").times(Decimal("0.85"))) == "756.50"


@given(amounts=st.lists(ORE.map(Money), max_size=5))
def test_a_total_is_exact_to_the_ore_h4(amounts):
    assert total(amounts).ore == sum(each.ore for each in amounts)


@given(one=ORE, other=ORE)
def test_amounts_add_subtract_and_compare_as_their_ore_do(one, other):
    assert (Money(one) + Money(other)).ore == one + other
    assert (Money(one) - Money(other)).ore == one - other
    assert (-Money(one)).ore == -one
    assert abs(Money(one)).ore == abs(one)
    assert (Money(one) < Money(other)) == (one < other)
    assert bool(Money(one)) == (one != 0)


def test_nothing_costs_nothing():
    assert total([]) == ZERO
    assert not ZERO
    assert str(ZERO) == "0.00"


@given(ore=ORE)
def test_kronor_have_two_decimals_and_an_amount_of_them_is_the_same(ore):
    assert Money.of(Money(ore).kronor) == Money(ore)
    assert Money.of(Fraction(ore, 100)) == Money(ore)


def test_no_binary_fraction_slips_in_when_many_small_amounts_add_up():
    assert str(total([Money.parse("0.10")] * 1000)) == "100.00"
