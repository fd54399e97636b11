"""The terms of an agreement in files, and the plans made from the settings."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from daemon.domain.agreement import BUILT_IN, INCREMENTS, Plan, Prices, Targets, Terms, check_terms
from daemon.domain.money import half_up
from daemon.settings.checked import TableError
from daemon.settings.values import STRICT, Day, Key, Line, MoneyText, Reads, duration, whole

PLAN_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HOURS = 'write hours as 8 or 1.5, or minutes as "90m"'


def minutes(value: object) -> int:
    """Whole minutes from hours (`8`, `1.5`) or from a duration (`"50m"`)."""
    if isinstance(value, str):
        return _minutes_of_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_HOURS)  # noqa: TRY004  one error type
    exact = Decimal(str(value)) * 60
    if not exact.is_finite() or not 0 <= exact <= 600_000 or exact != half_up(exact):
        raise ValueError("write hours that are whole minutes, not below 0")
    return int(exact)


def _minutes_of_duration(text: str) -> int:
    try:
        length = duration(text)
    except ValueError:
        raise ValueError(_HOURS) from None
    if length % dt.timedelta(minutes=1):
        raise ValueError("write whole minutes")
    return length // dt.timedelta(minutes=1)


def targets(value: object) -> Targets:
    """Minutes by priority, from a table of hours."""
    if not isinstance(value, Mapping) or not set(value) <= {"1", "2", "3", "4"}:
        raise ValueError("write hours by priority, as { 1 = 1, 2 = 2, 3 = 8, 4 = 8 }")
    return Targets({int(priority): minutes(hours) for priority, hours in value.items()})


def rounding(value: object) -> int:
    """The minutes to which an entry is rounded up, from `"15m"` (G5)."""
    written = {f"{each}m": each for each in INCREMENTS}
    if not isinstance(value, str) or value not in written:
        raise ValueError("write " + ", ".join(f'"{each}"' for each in written))
    return written[value]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsTable:
    """Any terms of a plan; None for a term without a key in the file."""

    __pydantic_config__ = STRICT

    response_hours: Annotated[
        Annotated[Mapping[int, int], Reads(targets)] | None,
        Key("opening hours until work starts, by priority (E2)", "{ 1 = 1, 2 = 1, 3 = 1, 4 = 1 }"),
    ] = None
    resolution_hours: Annotated[
        Annotated[Mapping[int, int], Reads(targets)] | None,
        Key("opening hours until solved, by priority; default: none (E6)", "{ 1 = 8, 2 = 16 }"),
    ] = None
    bank_hours: Annotated[
        Annotated[int, Reads(minutes)] | None,
        Key("hours in the time bank, for each bank period", "15"),
    ] = None
    bank_period: Annotated[
        Literal["quarter", "half-year", "year"] | None, Key("quarter, half-year, year", '"quarter"')
    ] = None
    monthly_fee: Annotated[MoneyText | None, Key("kronor a month, excluding VAT", '"8000.00"')] = (
        None
    )
    hourly_rate: Annotated[
        MoneyText | None, Key("kronor an hour beyond the time bank", '"850.00"')
    ] = None
    outside_rate: Annotated[
        MoneyText | None,
        Key("kronor an hour for time tagged kväll; default: none (G4)", '"1700.00"'),
    ] = None
    term_months: Annotated[
        Annotated[int, Reads(whole(0, 120))] | None, Key("months of the fixed term; 0: none", "12")
    ] = None
    review_meetings: Annotated[
        Literal["quarter", "half-year", "none"] | None, Key("quarter, half-year, none", '"quarter"')
    ] = None
    reports: Annotated[
        Literal["month", "quarter", "year", "none"] | None,
        Key("month, quarter, year, none", '"month"'),
    ] = None
    increment: Annotated[
        Annotated[int, Reads(rounding)] | None,
        Key("time is rounded up to 1m, 15m, 30m or 60m (G5)", '"1m"'),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable(TermsTable):
    """A later price list of a plan: agreements made before it keep their terms (F1)."""

    from_: Annotated[Day, Key("the first day of this price list", "2027-01-01")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable(TermsTable):
    """A plan: changes one of the four built in (alert, attend, access, none), or adds one."""

    name: Annotated[Line | None, Key("the name that customers see", '"Alert!"')] = None
    prices: tuple[PriceTable, ...] = ()


# The key in a file, and the field of Terms that it sets.
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "response_hours": "response",
        "resolution_hours": "resolution",
        "bank_hours": "bank_minutes",
        **{
            term.name: term.name
            for term in fields(TermsTable)
            if term.name in {known.name for known in fields(Terms)}
        },
    }
)


def said(table: TermsTable) -> dict[str, Any]:
    """The terms in a table, by field of `Terms` and in the form of `Terms`."""
    values = {field: getattr(table, key) for key, field in _FIELDS.items()}
    return {
        field: None if value == "none" else value
        for field, value in values.items()
        if value is not None
    }


def as_written(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Terms.to_json()` in the form of a file: the opposite of `said`."""
    return {
        key: _written(key, overrides[field]) for key, field in _FIELDS.items() if field in overrides
    }


def _written(key: str, value: Any) -> Any:
    if key in {"response_hours", "resolution_hours"}:
        return {priority: _hours(each) for priority, each in (value or {}).items()}
    if key == "bank_hours":
        return _hours(value)
    if key == "increment":
        return f"{value}m"
    return "none" if value is None else value


def _hours(length: int) -> int | str:
    return f"{length}m" if length % 60 else length // 60


def as_json(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Terms` in the form of `Terms.to_json()`."""
    whole_terms = replace(BUILT_IN["none"].terms, **overrides).to_json()
    return {name: whole_terms[name] for name in overrides}


def catalogue(tables: Mapping[str, PlanTable]) -> Mapping[str, Plan]:
    """The built-in plans with the changes of the tables, and the plans added by them.

    Raises TableError with every mistake.
    """
    wrong: list[tuple[str, str]] = []
    made = dict(BUILT_IN)
    for key, table in tables.items():
        if not PLAN_KEY.fullmatch(key):
            wrong.append((key, "a plan's key has a-z, 0-9 and -, at most 40 characters"))
            continue
        made[key] = _plan(key, table)
        wrong += [(f"{key}{each}", says) for each, says in _wrong_in(key, table, made[key])]
    if wrong:
        raise TableError(*wrong)
    return MappingProxyType(made)


def _plan(key: str, table: PlanTable) -> Plan:
    base = BUILT_IN[key].terms if key in BUILT_IN else Terms(plan=key, plan_name=key)
    terms = replace(base, plan_name=table.name or base.plan_name, **said(table))
    return Plan(key, terms, tuple(Prices(each.from_, said(each)) for each in table.prices))


def _wrong_in(key: str, table: PlanTable, plan: Plan) -> list[tuple[str, str]]:
    wrong = [("", says) for says in check_terms(plan.terms)]
    if key not in BUILT_IN and table.hourly_rate is None:
        wrong.append((".hourly_rate", 'is missing: write hourly_rate = "850.00"'))
    starts = [price.from_ for price in table.prices]
    for at, price in enumerate(table.prices, 1):
        if not said(price):
            wrong.append((f".prices[{at}]", "says nothing new: write a fee or another term"))
        if starts.count(price.from_) > 1:
            wrong.append((f".prices[{at}].from", f"two price lists hold from {price.from_}"))
        wrong += [(f".prices[{at}]", says) for says in check_terms(plan.terms_on(price.from_))]
    return wrong
