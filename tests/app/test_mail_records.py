"""SPF, DKIM and DMARC as DNS has them; a resolver that is silent is asked once."""

from types import SimpleNamespace

import dns.exception
import dns.resolver
import pytest

from daemon.app.mail_records import Lookup
from daemon.desk.upkeep.check import MailRecords


@pytest.fixture
def zone(monkeypatch):
    """A resolver that knows these names; gives what it was asked."""
    names: dict[str, list[str]] = {}
    asked: list[str] = []

    def resolve(_resolver, name, kind, lifetime):
        assert (kind, lifetime > 0) == ("TXT", True)
        asked.append(name)
        if "silent" in names:
            raise dns.exception.Timeout
        if name not in names:
            raise dns.resolver.NXDOMAIN
        if not names[name]:
            raise dns.resolver.NoAnswer
        return [
            SimpleNamespace(strings=(text[:9].encode(), text[9:].encode())) for text in names[name]
        ]

    monkeypatch.setattr(dns.resolver.Resolver, "resolve", resolve)
    return SimpleNamespace(names=names, asked=asked)


def test_the_three_records_are_read(zone):
    zone.names |= {
        "example.se": ["google-site-verification=x", "V=SPF1 mx -all"],
        "_domainkey.example.se": [],
        "_dmarc.example.se": ["v=DMARC1; p=Quarantine; rua=mailto:d@example.se"],
    }
    assert Lookup().of("example.se") == MailRecords(
        spf="V=SPF1 mx -all", dkim=True, dmarc="quarantine"
    )


def test_a_subdomain_has_the_policy_of_the_domain_that_it_lies_in(zone):
    zone.names |= {"mail.example.se": [], "_dmarc.example.se": ["v=DMARC1;p=reject"]}
    assert Lookup().of("mail.example.se") == MailRecords(dmarc="reject")


def test_a_domain_without_any_has_none(zone):
    zone.names |= {"example.se": [], "_dmarc.example.se": ["something else", "v=spf1"]}
    assert Lookup().of("example.se") == MailRecords()


def test_a_record_without_a_policy_enforces_nothing(zone):
    zone.names |= {"_dmarc.example.se": ["v=DMARC1"]}
    found = Lookup().of("example.se")
    assert (found.dmarc, found.is_enforced) == ("none", False)


def test_a_resolver_that_is_silent_is_asked_once(zone):
    zone.names["silent"] = []
    lookup = Lookup()
    assert lookup.of("example.se") is None
    assert lookup.of("example.com") is None
    assert zone.asked == ["example.se"]
