"""The register in the database: people, customers, domains, contacts, versions of agreements."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, and_, delete, select, update

from daemon.domain.agreement import Terms, Version, in_force
from daemon.domain.public_domains import is_public
from daemon.domain.register import Account, Agreement, Contact, Customer, Person, Register
from daemon.store import seals
from daemon.store.memo import foresee, of_register, register_changed
from daemon.store.money import ledger
from daemon.store.rows import add, among, grouped, insert, record
from daemon.store.schema.tables import (
    agreement_versions,
    contacts,
    customer_domains,
    people_addresses,
)
from daemon.store.schema.tables import (
    customers as customers_table,
)
from daemon.store.schema.tables import (
    people as people_table,
)
from daemon.store.session import Tx


def lock(tx: Tx) -> None:
    """Wait until nobody else changes the register; call it before the register is loaded."""
    register_changed(tx)


def load(tx: Tx) -> Register:
    """The whole register, with ended and withdrawn entries."""
    owned, signed, adjusted = customer_domains.c, agreements(tx), ledger.registered(tx)
    domains = grouped(tx.execute(select(owned.customer_id, owned.domain).order_by(owned.domain)))
    rows = tx.execute(select(contacts).order_by(contacts.c.id))
    theirs = grouped((row.customer_id, _contact(row)) for row in rows)
    accounts = tuple(
        Account(
            customer=owner,
            domains=tuple(domains.get(owner.id, ())),
            contacts=tuple(theirs.get(owner.id, ())),
            agreements=signed.get(owner.id, ()),
            adjustments=adjusted.get(owner.id, ()),
        )
        for owner in customers(tx, ended=True)
    )
    return Register(people(tx, ended=True), accounts)


# --- people -----------------------------------------------------------------------------------


def people(tx: Tx, *, ended: bool = False) -> tuple[Person, ...]:
    """The desk's own people, in order of registration; with the ended ones if asked."""
    return of_register(tx, ("people", ended), lambda: _everybody(tx, ended=ended))


def _everybody(tx: Tx, *, ended: bool) -> tuple[Person, ...]:
    query = select(people_table).order_by(people_table.c.id)
    return _people(tx, query if ended else query.where(people_table.c.active))


def person(tx: Tx, person_id: int) -> Person:
    """The person with this id, even an ended one; it must exist."""
    active = next((member for member in people(tx) if member.id == person_id), None)
    if active is not None:
        return active
    (ended,) = _people(tx, select(people_table).where(people_table.c.id == person_id))
    return ended


def person_by_address(tx: Tx, address: str) -> Person | None:
    """The active person with that registered address or alias (D1)."""
    return next((each for each in people(tx) if address in each.addresses), None)


def people_with_role(tx: Tx, role: str) -> tuple[Person, ...]:
    """Every active engineer, or finance, or manager."""
    return tuple(each for each in people(tx) if role in each.roles)


def _people(tx: Tx, query: Select[Any]) -> tuple[Person, ...]:
    rows = tx.execute(query).all()
    if not rows:
        return ()
    table = people_addresses.c
    owned = select(table.person_id, table.address).where(
        table.person_id.in_([row.id for row in rows])
    )
    aliases = grouped(tx.execute(owned.order_by(table.address)))
    return tuple(
        record(
            Person,
            row,
            aliases=tuple(alias for alias in aliases.get(row.id, ()) if alias != row.email),
            roles=frozenset(row.roles),
        )
        for row in rows
    )


def keep_person(tx: Tx, person: Person) -> int:
    """Set a person as given; a new one has the id 0. Gives the id."""
    register_changed(tx)
    values = {
        "name": person.name,
        "email": person.email,
        "roles": sorted(person.roles),
        "active": person.active,
        "absent_until": person.absent_until,
    }
    table, owned = people_table, people_addresses
    if person.id:
        tx.execute(update(table).where(table.c.id == person.id).values(values))
    person_id = person.id or add(tx, table, **values)
    others = select(owned.c.person_id).where(owned.c.address.in_(person.addresses))
    seals.changed(tx, "person", {person_id, *tx.scalars(others)})
    tx.execute(delete(owned).where(owned.c.person_id == person_id))
    if person.active:  # an address identifies whoever is active
        tx.execute(delete(owned).where(owned.c.address.in_(person.addresses)))
    for address in sorted(person.addresses):
        row = insert(tx, owned).values(address=address, person_id=person_id)
        tx.execute(row.on_conflict_do_nothing())
    return person_id


# --- customers --------------------------------------------------------------------------------


def customers(tx: Tx, *, ended: bool = False) -> tuple[Customer, ...]:
    """Every customer in order of key; with the ended ones if asked."""
    table = customers_table
    query = select(table).order_by(table.c.key)
    return _customers(tx, query if ended else query.where(table.c.active))


def customer(tx: Tx, customer_id: int) -> Customer:
    """The customer with this id, even an ended one; it must exist."""
    (one,) = of_register(tx, ("customer", customer_id), lambda: _customers_with(tx, customer_id))
    return one


def _customers_with(tx: Tx, customer_id: int) -> tuple[Customer, ...]:
    return _customers(tx, select(customers_table).where(customers_table.c.id == customer_id))


def customer_by_key(tx: Tx, key: str) -> Customer | None:
    """The customer with this key, even an ended one."""
    table = customers_table
    return next(iter(_customers(tx, select(table).where(table.c.key == key))), None)


def customer_of_address(tx: Tx, address: str) -> tuple[Customer, Contact | None] | None:
    """The owner of an address: by contact address, then by mail domain (D2).

    A public mail domain identifies nobody, nor does the subdomain of a domain; ended entries do not
    count.
    """
    contact = of_register(
        tx, ("contact", address), lambda: _contacts_of(tx, [address]).get(address)
    )
    if contact is not None:
        return customer(tx, contact.customer_id), contact
    domain = address.rpartition("@")[2]
    if is_public(domain):
        return None
    owner = of_register(tx, ("domain", domain), lambda: _customer_of_domain(tx, domain))
    if owner is None:
        return None
    return of_register(tx, ("customer", owner.id), lambda: (owner,))[0], None


def _customer_of_domain(tx: Tx, domain: str) -> Customer | None:
    table = customers_table
    query = select(table).join(customer_domains).where(customer_domains.c.domain == domain)
    return next(iter(_customers(tx, query.where(table.c.active))), None)


def _customers(tx: Tx, query: Select[Any]) -> tuple[Customer, ...]:
    rows = tx.execute(query).all()
    managers = {row.manager_id for row in rows} - {None}
    query_managers = select(people_table).where(people_table.c.id.in_(managers))
    by_id = {each.id: each for each in (_people(tx, query_managers) if managers else ())}
    return tuple(_customer(row, by_id.get(row.manager_id)) for row in rows)


def _customer(row: Row[Any], manager: Person | None) -> Customer:
    return record(Customer, row, reports_to=tuple(row.reports_to), manager=manager)


def keep_customer(tx: Tx, customer: Customer) -> int:
    """Set a customer as given; a new one has the id 0. Gives the id."""
    register_changed(tx)
    table = customers_table
    values = {
        "key": customer.key,
        "name": customer.name,
        "organisation_number": customer.organisation_number,
        "language": customer.language,
        "accounting_number": customer.accounting_number,
        "your_reference": customer.your_reference,
        "order_number": customer.order_number,
        "invoice_language": customer.invoice_language,
        "reports_to": list(customer.reports_to),
        "manager_id": customer.manager.id if customer.manager else None,
        "active": customer.active,
    }
    if customer.id:
        tx.execute(update(table).where(table.c.id == customer.id).values(values))
    customer_id = customer.id or add(tx, table, **values)
    seals.changed(tx, "customer", [customer_id])
    return customer_id


def domains_of(tx: Tx, customer_id: int) -> tuple[str, ...]:
    """The mail domains that identify a customer, in order."""
    table = customer_domains.c
    mine = select(table.domain).where(table.customer_id == customer_id).order_by(table.domain)
    return of_register(tx, ("domains", customer_id), lambda: tuple(tx.scalars(mine)))


def release_domains(tx: Tx, domains: Iterable[str]) -> None:
    """Take domains from their owners."""
    register_changed(tx)
    table, theirs = customer_domains, customer_domains.c.domain.in_(list(domains))
    seals.changed(tx, "customer", tx.scalars(select(table.c.customer_id).where(theirs)))
    tx.execute(delete(table).where(theirs))


def keep_domains(tx: Tx, customer_id: int, domains: Iterable[str]) -> None:
    """Set the domains of a customer; each must be free."""
    register_changed(tx)
    table = customer_domains
    seals.changed(tx, "customer", [customer_id])
    tx.execute(delete(table).where(table.c.customer_id == customer_id))
    for domain in sorted(set(domains)):
        tx.execute(table.insert().values(domain=domain, customer_id=customer_id))


# --- contacts ---------------------------------------------------------------------------------


def contacts_of(tx: Tx, customer_id: int, *, ended: bool = False) -> tuple[Contact, ...]:
    """The contacts of a customer, in order of registration; with the ended ones if asked."""
    query = select(contacts).where(contacts.c.customer_id == customer_id).order_by(contacts.c.id)
    rows = tx.execute(query if ended else query.where(contacts.c.active))
    return tuple(_contact(row) for row in rows)


def _contact(row: Row[Any]) -> Contact:
    return record(Contact, row)


_CONTACTS = (
    select(contacts)
    .join(customers_table)
    .where(
        among(contacts.c.email, "addresses"),
        contacts.c.active,
        customers_table.c.active,
    )
)


def _contacts_of(tx: Tx, addresses: Collection[str]) -> dict[str, Contact]:
    rows = tx.execute(_CONTACTS, {"addresses": list(addresses)})
    return {row.email: _contact(row) for row in rows}


def foresee_contacts(tx: Tx, addresses: Iterable[str]) -> None:
    """Read with one statement, for coming calls of `customer_of_address` with these addresses."""

    def read(keys: list[Any]) -> dict[Any, Contact]:
        known = _contacts_of(tx, [address for _, address in keys])
        return {("contact", address): contact for address, contact in known.items()}

    foresee(tx, [("contact", address) for address in addresses], read)


def keep_contact(tx: Tx, contact: Contact) -> None:
    """Set the contact with this address; it may have been another customer's."""
    register_changed(tx)
    values = {
        "customer_id": contact.customer_id,
        "name": contact.name,
        "active": contact.active,
    }
    same = contacts.c.email == contact.email
    if not tx.execute(update(contacts).where(same).values(values)).rowcount:
        add(tx, contacts, email=contact.email, **values)
    seals.changed(tx, "contact", tx.scalars(select(contacts.c.id).where(same)))


# --- agreements -------------------------------------------------------------------------------


def versions_of(tx: Tx, customer_id: int) -> tuple[Version, ...]:
    """The versions of a customer's agreements in order of start, withdrawn ones too."""
    return tuple(each.version for each in agreements_of(tx, customer_id))


def version_in_force(tx: Tx, customer_id: int, day: dt.date) -> Version | None:
    """The version of a customer's agreements in force on a date (F1)."""
    key = ("in force", customer_id, day)
    return of_register(tx, key, lambda: in_force(versions_of(tx, customer_id), day))


def versions_of_many(tx: Tx, customer_ids: Iterable[int]) -> dict[int, tuple[Version, ...]]:
    """The versions of many customers, by the customer's id."""
    known = agreements(tx, list(customer_ids))
    return {owner: tuple(each.version for each in theirs) for owner, theirs in known.items()}


def agreements_of(tx: Tx, customer_id: int) -> tuple[Agreement, ...]:
    """The same versions, with the terms agreed apart from the plan."""
    theirs = of_register(tx, ("agreements", customer_id), lambda: agreements(tx, [customer_id]))
    return theirs.get(customer_id, ())


def agreements(
    tx: Tx, customer_ids: Collection[int] | None = None
) -> Mapping[int, tuple[Agreement, ...]]:
    """The versions of every customer (or of some) in order of start, by the customer's id."""
    table, owners = agreement_versions, customers_table
    query = select(table, owners.c.key).join(owners).order_by(table.c.customer_id, table.c.starts)
    if customer_ids is not None:
        query = query.where(table.c.customer_id.in_(customer_ids))
    return {
        owner: tuple(_agreement(row) for row in group)
        for owner, group in groupby(tx.execute(query), key=lambda row: row.customer_id)
    }


def _agreement(row: Row[Any]) -> Agreement:
    version = record(Version, row, customer=row.key, terms=Terms.from_json(row.terms))
    return Agreement(version, row.overrides)


def keep_agreement(tx: Tx, customer_id: int, agreement: Agreement) -> int:
    """Set a customer's version as given; a new one has the id 0. Gives the id."""
    register_changed(tx)
    table, version = agreement_versions, agreement.version
    values = {
        "plan": version.terms.plan,
        "starts": version.starts,
        "until": version.until,
        "renews": version.renews,
        "terms": version.terms.to_json(),
        "overrides": dict(agreement.overrides),
        "withdrawn": version.withdrawn,
    }
    if version.id:
        mine = and_(table.c.id == version.id, table.c.customer_id == customer_id)
        tx.execute(update(table).where(mine).values(values))
    version_id = version.id or add(tx, table, customer_id=customer_id, **values)
    seals.changed(tx, "agreement", [version_id])
    return version_id
