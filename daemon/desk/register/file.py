"""A register file (contract.md 2) as its tables stand: every mistake in them at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from daemon.domain.public_domains import is_public
from daemon.settings.checked import Checked, checked, read_toml
from daemon.settings.plans import TermsTable
from daemon.settings.values import (
    STRICT,
    Address,
    Day,
    Flag,
    Key,
    Line,
    LineOrNothing,
    Place,
    Reads,
    address,
    adjustment_minutes,
    domain,
)

_CUSTOMER_KEY: Final = re.compile(r"[a-z0-9-]{1,40}")


def _customer_key(value: object) -> str:
    if not isinstance(value, str) or not _CUSTOMER_KEY.fullmatch(value):
        raise ValueError("write a key of a-z, 0-9 and -, at most 40 characters, as acme")
    return value


def _own_domain(value: object) -> str:
    read = domain(value)
    if is_public(read):
        raise ValueError(
            f"{read} is a public mail domain, where anybody may have an address: "
            "write the addresses as contacts instead (D2)"
        )
    return read


def _address_or_nothing(value: object) -> str:
    return "" if value == "" else address(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerTable:
    """One of the desk's own people; None for a key missing from the file."""

    __pydantic_config__ = STRICT

    email: Annotated[Address, Key("the registered address", '"anna@example.se"')]
    name: Line | None = None
    aliases: tuple[Address, ...] | None = None
    roles: tuple[Literal["engineer", "finance", "manager"], ...] | None = None
    active: Flag | None = None
    absent_until: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTable:
    """One contact of a customer."""

    __pydantic_config__ = STRICT

    email: Annotated[Address, Key("", '"bo@acme.se"')]
    name: LineOrNothing | None = None
    active: Flag = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTable(TermsTable):
    """One version of an agreement, with its own terms beside the plan's."""

    __pydantic_config__ = STRICT

    plan: Annotated[Line, Key("", '"alert"')]
    from_: Annotated[Day, Key("the first day covered", "2026-01-01")]
    until: Annotated[Day | None, Key("the last day covered", "2026-12-31")] = None
    renew: Flag = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentTable:
    """Minutes from finance into a time bank, or out of it; booked once, and then fixed."""

    __pydantic_config__ = STRICT

    id: Annotated[Line, Key("yours, once a customer", '"2026-11-driftstopp"')]
    minutes: Annotated[
        int,
        Reads(adjustment_minutes),
        Key("above 0 gives to the bank, below 0 takes from it", "90"),
    ]
    date: Annotated[Day, Key("a day in the bank period that is meant", "2026-11-20")]
    reason: Annotated[Line, Key("", '"Kompensation för driftstoppet"')]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTable:
    """One customer; None for a key missing from the file, and empty text to remove a value."""

    __pydantic_config__ = STRICT

    key: Annotated[
        Annotated[str, Reads(_customer_key)], Key("stable, ours; a-z, 0-9 and -", '"acme"')
    ]
    name: Line | None = None
    organisation_number: LineOrNothing | None = None
    language: Literal["sv", "en", ""] | None = None
    accounting_number: LineOrNothing | None = None
    your_reference: LineOrNothing | None = None
    order_number: LineOrNothing | None = None
    invoice_language: Literal["sv", "en", ""] | None = None
    domains: tuple[Annotated[str, Reads(_own_domain)], ...] | None = None
    contacts: tuple[ContactTable, ...] | None = None
    reports_to: tuple[Address, ...] | None = None
    manager: Annotated[str, Reads(_address_or_nothing)] | None = None
    active: Flag | None = None
    agreements: tuple[AgreementTable, ...] | None = None
    adjustments: tuple[AdjustmentTable, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterTables:
    """A whole register file."""

    __pydantic_config__ = STRICT

    engineers: tuple[EngineerTable, ...] = ()
    customers: tuple[CustomerTable, ...] = ()


def read(path: Path) -> Checked[RegisterTables]:
    """Read a register file: its tables, and every mistake in them.

    Raises MistakesError for a file out of reach or without TOML.
    """
    return tables_of(read_toml(path), str(path))


def tables_of(data: Mapping[str, Any], file: str) -> Checked[RegisterTables]:
    """The same from a file's content."""
    return checked(RegisterTables, data, file, Place(Path(file).absolute().parent))
