"""The claims on addresses and domains: each identifies one person or one customer."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from daemon.domain.register import Account, Register


def released(register: Register) -> Register:
    """The same register, in which the ended give up addresses and domains to the active.

    An ended person's registered address stays with the person's record; it identifies an active
    claimant only.
    """
    taken = {address for each in register.people if each.active for address in each.addresses}
    people = tuple(
        person
        if person.active
        else replace(person, aliases=tuple(a for a in person.aliases if a not in taken))
        for person in register.people
    )
    domains = {each for account in _active(register) for each in account.domains}
    contacts = {each for account in _active(register) for each in _addresses(account)}
    accounts = tuple(_given_up(each, domains, contacts) for each in register.accounts)
    return Register(people, accounts)


def _active(register: Register) -> Iterator[Account]:
    return (account for account in register.accounts if account.customer.active)


def _addresses(account: Account) -> tuple[str, ...]:
    return tuple(contact.email for contact in account.contacts if contact.active)


def _given_up(account: Account, domains: AbstractSet[str], contacts: AbstractSet[str]) -> Account:
    active = account.customer.active
    return replace(
        account,
        domains=account.domains
        if active
        else tuple(each for each in account.domains if each not in domains),
        contacts=tuple(
            contact
            for contact in account.contacts
            if (active and contact.active) or contact.email not in contacts
        ),
    )


def contested(register: Register, desk: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Double claims: pairs of a key in a file and a sentence with the other claimants.

    `desk` are the desk's own addresses.
    """
    wrong: list[tuple[str, str]] = []
    claims: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for address in desk:
        claims[address].append(("desk", "the desk itself"))
    for person in register.people:
        for address in person.addresses if person.active else ():
            claims[address].append((f"engineers[{person.email}]", person.name))
    for account in _active(register):
        key = account.customer.key
        for address in _addresses(account):
            claims[address].append((f"customers[{key}].contacts", f"customer {key}"))
        for domain in account.domains:
            claims[domain].append((f"customers[{key}].domains", f"customer {key}"))
    for what, claimed in claims.items():
        if len(claimed) > 1:
            wrong += _told(what, claimed)
    return tuple(wrong)


def _told(what: str, claimed: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for at, (key, who) in enumerate(claimed):
        others = [other for there, (_, other) in enumerate(claimed) if there != at]
        if key != "desk":
            yield (
                key,
                f"{what} is claimed by {who} and by {', '.join(others)}: only one can have it",
            )
