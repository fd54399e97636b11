"""The DNS within bounds: a server that never answers, answers late, or fails (D1a)."""

import threading
import time

import dns.resolver
import pytest

from integrations import resolver as resolving
from integrations.resolver import Resolver
from tests.name_server import name_server
from tests.servers import wait_for

NAME = b"s1._domainkey.example.se."
KEY = b"v=DKIM1; k=rsa; p=" + b"A" * 600


@pytest.fixture
def server():
    with name_server() as running:
        running.records = {"s1._domainkey.example.se": KEY}
        yield running


@pytest.fixture
def quick(monkeypatch):
    """A hundredth of the real seconds."""
    for name in ("MAIL", "GROUP", "MOMENT"):
        seconds = getattr(resolving, f"{name}_SECONDS")
        monkeypatch.setattr(resolving, f"{name}_SECONDS", seconds / 20)
    tries = tuple(seconds / 20 for seconds in resolving.TRY_SECONDS)
    monkeypatch.setattr(resolving, "TRY_SECONDS", tries)


class Clock:
    """Real time, and what the test adds to it."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead


def asked(dns_server, name=NAME, **more):
    return dns_server.questions(**more).of_a_mail()(name, timeout=5)


def seconds_for(ask):
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        ask()
    return time.monotonic() - started


@pytest.mark.parametrize("health", ["well", "truncated", 0.3])
def test_a_key_is_found_and_remembered(server, health):
    server.health = health
    dns_server = Resolver(server.address)
    assert [asked(dns_server) for _ in range(5)] == [KEY] * 5
    ways = [way for way, _ in server.asked]
    assert ways == (["udp", "tcp"] if health == "truncated" else ["udp"])


def test_a_name_without_a_record_is_an_answer_too_and_remembered(server):
    dns_server = Resolver(server.address)
    for _ in range(3):
        assert asked(dns_server, b"s2._domainkey.example.se.") is None
    assert len(server.asked) == 1
    assert asked(dns_server) == KEY


@pytest.mark.parametrize("health", ["servfail", "refused", "garbage"])
def test_a_server_that_fails_has_not_answered(server, quick, health):
    server.health = health
    dns_server = Resolver(server.address)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            asked(dns_server)


def test_one_mail_waits_five_seconds_for_all_its_signatures_D1a(server):
    server.health = "silent"
    ask = Resolver(server.address).questions().of_a_mail()

    def five():
        for number in range(5):
            with pytest.raises(TimeoutError):
                ask(b"s%d._domainkey.d%d.se." % (number, number), timeout=5)
        raise TimeoutError

    assert 4.5 < seconds_for(five) < 6


def test_a_group_waits_ten_seconds_and_the_next_one_only_a_moment_D1a(server, quick):
    """In a twentieth of the time."""
    server.health = "silent"
    dns_server = Resolver(server.address)

    def a_group():
        questions = dns_server.questions()
        for number in range(8):
            name = b"s._domainkey.%d-%d.se." % (number, time.monotonic_ns())
            with pytest.raises(TimeoutError):
                questions.of_a_mail()(name, timeout=5)
        raise TimeoutError

    assert 0.45 < seconds_for(a_group) < 0.9
    for _ in range(5):
        assert seconds_for(a_group) < 0.2


def test_a_domain_that_was_silent_is_asked_again_after_five_minutes(server, quick):
    server.health, clock = "silent", Clock()
    dns_server = Resolver(server.address, clock)
    with pytest.raises(TimeoutError):
        asked(dns_server)
    server.health = "well"
    before = len(server.asked)
    assert seconds_for(lambda: asked(dns_server, b"s9._domainkey.example.se.")) < 0.1
    assert len(server.asked) == before
    clock.ahead = 301
    assert asked(dns_server) == KEY


def test_an_answer_that_comes_late_serves_the_next_mail(server, quick):
    """After six and a half seconds, in a twentieth of them: nobody waits for it any more."""
    server.health = 6.5 / 20
    dns_server = Resolver(server.address)
    assert 0.2 < seconds_for(lambda: asked(dns_server)) < 0.5
    wait_for(lambda: not dns_server._silent, "the answer came")
    assert asked(dns_server) == KEY


def test_names_that_an_attacker_invents_keep_no_known_key_from_being_asked(server, quick):
    """A silent part of a domain: the owner's own key is asked, and found."""
    clock = Clock()
    dns_server = Resolver(server.address, clock)
    assert asked(dns_server) == KEY
    server.health = "silent"
    with pytest.raises(TimeoutError):
        asked(dns_server, b"dead._domainkey.example.se.")
    server.health = "well"
    clock.ahead = 299
    with pytest.raises(TimeoutError):
        asked(dns_server, b"dead2._domainkey.example.se.")
    dns_server._known.clear()
    assert asked(dns_server) == KEY


def test_names_that_nobody_can_ask_for_have_no_key_and_silence_no_domain(server):
    dns_server = Resolver(server.address)
    for label in (b"x" * 64, b"a..b", b"\xff\xfe", b"", b"x." * 200, b"\\"):
        assert asked(dns_server, label + b"._domainkey.example.se.") is None
    assert asked(dns_server) == KEY


def test_the_machine_s_own_servers_are_asked_without_a_setting(server, monkeypatch):
    own = dns.resolver.Resolver(configure=False)
    own.nameservers, own.port = ["127.0.0.1"], server.port
    monkeypatch.setattr(dns.resolver, "default_resolver", own)
    assert asked(Resolver()) == KEY


def test_a_machine_without_servers_has_no_answer(monkeypatch):
    def missing():
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "get_default_resolver", missing)
    with pytest.raises(TimeoutError):
        asked(Resolver())


def test_a_thousand_invented_names_make_few_threads_and_no_long_memory(server, quick):
    server.health = "silent"
    dns_server = Resolver(server.address)
    before = threading.active_count()
    questions = dns_server.questions(patient=True)
    for number in range(1000):
        with pytest.raises(TimeoutError):
            questions.of_a_mail()(b"s%d._domainkey.example.se." % number, timeout=5)
    assert threading.active_count() - before <= 2 * 16 + 16  # and the server's own
    assert len(dns_server._known) <= 16
