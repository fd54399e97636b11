"""Who approves a month, and by which words: role, proof, the mail itself, nothing but OK (H7)."""

import shutil
from copy import copy
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.desk.month import approving
from daemon.desk.register import file as register_file
from daemon.desk.register import importing
from daemon.desk.shown import statements as statements_shown
from daemon.desk.shown.statements import Approved
from daemon.domain.refusal import RefusedError
from daemon.store.mail import inbox
from daemon.store.money import statements
from daemon.store.session import open_store
from daemon.store.tickets import tickets
from tests.builders import (
    REGISTER,
    SETTINGS,
    ADesk,
    a_desk,
    a_mail,
    an_engineers_mail,
    header_of,
    instant,
    text_of,
)
from tests.desk.month.billing_stories import Books
from tests.desk.whole.replies import STYLES, a_reply

CLOSE = "2026-12-01 06:00"
PROOF = "mx.example.se; dmarc=pass header.from=example.se"
EKONOMI = "ekonomi@example.se"
EVA = "Eva Ek <eva@example.se>"
ANNA = "Anna Svensson <anna@example.se>"
WANTS_OK = SETTINGS.replace('kind = "files"', 'kind = "files"\napproval = "finance"')
PEOPLE = (
    REGISTER
    + """
[[engineers]]
name = "Eva Ek"
email = "eva@example.se"
aliases = ["eva.ek@example.se"]
roles = ["finance"]

[[engineers]]
name = "Mia Berg"
email = "mia@example.se"
roles = ["manager"]

[[customers]]
key = "bergs"
name = "Bergs Bygg & Co AB"
accounting_number = "1005"
domains = ["bergs.se"]

[[customers.agreements]]
plan = "access"
from = 2026-01-01
"""
)
ALL = ["AVT-acme-2026-11", "AVT-bergs-2026-11", "AVT-beta-2026-11"]


class Month:
    """A closed month whose drafts wait for finance."""

    def __init__(self, store, folder):
        self.books = Books()
        self.desk = a_desk(store, folder, settings=WANTS_OK, register=PEOPLE)
        self.desk.close(CLOSE, self.books)
        (self.mail,) = self.desk.mailer.to(EKONOMI)

    @property
    def approved(self):
        """The references that finance has let go, in order."""
        with self.desk.desk.store.reading() as tx:
            listed = statements.listing(tx, month="2026-11")
        return [each.reference for each in listed if each.state not in {"approval", "nothing"}]

    def get(self, raw, at="2026-12-01 09:00"):
        """Take a reply in; gives the mails of the desk that follow."""
        before = len(self.desk.mailer.sent)
        self.desk.get(raw, at)
        return self.desk.mailer.sent[before:]

    def reply(self, text, sender=EVA, at="2026-12-01 09:00", *, proof=PROOF, **more):
        raw = a_mail(sender, more.pop("subject", "SV: Avräkning"), text, proof=proof, **more)
        return self.get(raw, at)

    def answered(self, text, sender=EVA, at="2026-12-01 09:00", **more):
        """The answer to a reply to the mail itself."""
        reply_to = more.pop("reply_to", self.mail)
        told = self.reply(text, sender, at, reply_to=reply_to, **more)
        return [text_of(raw) for address, raw in told if address in sender]

    def push(self, at="2026-12-01 09:05"):
        self.desk.close(at, self.books)
        return sorted(each.reference for each in self.books.made)


@pytest.fixture
def month(store, tmp_path):
    return Month(store, tmp_path)


@pytest.fixture
def closed_month(sqlite_template, tmp_path):
    """Gives the same closed month anew at each call, from a copy."""
    first, again = tmp_path / "first.db", tmp_path / "again.db"
    shutil.copyfile(sqlite_template, first)
    store = open_store(f"sqlite:///{first}")
    model = Month(store, tmp_path)
    store.close()
    opened = []

    def made():
        if opened:
            opened.pop().close()
        shutil.copyfile(first, again)
        opened.append(open_store(f"sqlite:///{again}"))
        month = copy(model)
        month.desk = ADesk(replace(model.desk.desk, store=opened[-1]))
        return month

    yield made
    opened.pop().close()


# --- who (role, proof) ------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [EVA, "Eva Ek <eva.ek@example.se>", EKONOMI])
def test_finance_approves_with_ok_in_reply_to_the_close_H7(month, sender):
    month.reply("OK", sender, reply_to=month.mail)
    assert month.approved == ALL
    assert month.push() == ALL


@pytest.mark.parametrize("text", ["OK", "Ok, jag kollar timmarna i morgon", "Godkänt"])
@pytest.mark.parametrize("sender", [ANNA, "Mia Berg <mia@example.se>"])
def test_nobody_else_of_ours_approves_and_finance_is_told_H7(month, sender, text):
    told = month.reply(text, sender, reply_to=month.mail)
    assert month.approved == []
    assert month.push() == []
    to_finance = [text_of(raw) for address, raw in told if address in {EKONOMI, "eva@example.se"}]
    assert len(to_finance) == 2
    assert all("Någon annan än ekonomi" in each and text in each for each in to_finance)
    (answer,) = [text_of(raw) for address, raw in told if address in sender]
    assert "Bara ekonomi godkänner" in " ".join(answer.split())
    assert " kr" not in answer  # no figures of customers


@pytest.mark.parametrize("sender", ["bo@acme.se", "Kim <kim@example.org>"])
def test_a_customers_or_strangers_ok_is_mail_like_any_other_and_finance_is_told_H7(month, sender):
    told = month.reply("OK", sender, proof=None, reply_to=month.mail)
    assert month.approved == []
    assert len([each for each in told if each[0] == EKONOMI]) == 1
    with month.desk.desk.store.reading() as tx:
        assert len(tickets.listing(tx)) == 1


def test_a_flood_of_replies_to_the_close_makes_no_flood_of_mail_to_finance_H7(month):
    for number in range(40):
        sender = f"p{number}@example.org"
        month.desk.receive(a_mail(sender, "SV", "OK", reply_to=month.mail), "2026-12-01 09:00")
    month.desk.work("2026-12-01 09:00")
    assert len(month.desk.mailer.to(EKONOMI)) == 1 + 5
    assert month.approved == []


def test_an_ended_person_of_finance_approves_nothing_H7(store, tmp_path):
    month = Month(store, tmp_path)
    gone = PEOPLE.replace('roles = ["finance"]', 'roles = ["finance"]\nactive = false')
    file = tmp_path / "register.toml"
    file.write_text(gone, "utf-8")
    desk = month.desk.desk
    with desk.store.writing() as tx:
        asked = importing.plan(tx, str(file), register_file.read(file), desk.settings)
        importing.apply(tx, asked, instant("2026-12-01 07:00"))
    month.reply("OK", EVA, reply_to=month.mail)
    assert month.approved == []


def test_a_registered_ok_without_proof_is_held_and_asked_about_D1(month):
    told = month.reply("OK", EVA, proof=None, reply_to=month.mail)
    assert month.approved == []
    (request,) = [raw for address, raw in told if address == "eva@example.se"]
    month.reply("Ja", EVA, "2026-12-01 09:10", proof=None, reply_to=request)
    assert month.approved == ALL


def test_finances_ok_without_proof_is_told_what_to_do_and_opens_no_ticket_H7(month):
    (answer,) = month.answered("OK", EKONOMI, proof=None)
    assert month.approved == []
    assert "avtald invoices approve 2026-11" in " ".join(answer.split())
    assert month.answered("OK igen", EKONOMI, "2026-12-01 09:01", proof=None) == []  # once
    with month.desk.desk.store.reading() as tx:
        assert tickets.listing(tx) == []
        assert inbox.listing(tx)[0].state == "held"


# --- which mail ------------------------------------------------------------------------------


def test_references_alone_approve_nothing_H7(month):
    close = header_of(month.mail, "Message-ID")
    told = month.reply("OK", headers=(("References", close),))
    assert month.approved == []
    assert "ett annat mejl i tråden" in " ".join(text_of(told[-1][1]).split())


def test_a_reply_to_another_mail_of_the_thread_approves_nothing_H7(month):
    told = month.reply("OK utom acme, bergs och beta", reply_to=month.mail)
    answer = next(raw for address, raw in told if address == "eva@example.se")
    close = header_of(month.mail, "Message-ID")
    raw = a_mail(EVA, "SV: Inget", "OK", proof=PROOF, reply_to=answer)
    raw = raw.replace(b"References: ", b"References: " + close.encode() + b" ", 1)
    month.get(raw, "2026-12-01 09:10")
    assert month.approved == []


def test_a_forwarded_close_approves_nothing_H7(month):
    text = "OK\n\n---------- Forwarded message ----------\nFrån: Exempel Support\n\nSvara OK\n"
    month.reply(text, reply_to=month.mail)
    month.reply("OK", at="2026-12-01 09:01", reply_to=month.mail, subject="VB: Avräkning")
    assert month.approved == []


def test_the_keyed_reply_address_of_the_mail_is_an_answer_to_it_H7(month):
    token = header_of(month.mail, "Message-ID").strip("<>").partition("@")[0]
    month.reply("OK", to=f"support+{token}@example.se")
    assert month.approved == ALL


def test_two_mails_named_at_once_approve_nothing_H7(month):
    told = month.reply("Vänta", reply_to=month.mail)
    token = header_of(month.mail, "Message-ID").strip("<>").partition("@")[0]
    other = next(raw for address, raw in told if address == "eva@example.se")
    month.reply("OK", at="2026-12-01 09:10", reply_to=other, to=f"support+{token}@example.se")
    assert month.approved == []


# --- which words -----------------------------------------------------------------------------

NO_APPROVAL = (
    "OK men vänta med Acme, fel pris!",
    "Ok, jag kollar timmarna i morgon",
    "Inte OK",
    "Godkänns inte",
    "",
    "\N{THUMBS UP SIGN}",
    "> OK",
    "OK utom gamma",
    "OK?",
    "Vad är det här för rad?",
)


@pytest.mark.parametrize("text", NO_APPROVAL)
def test_any_other_text_approves_nothing_and_is_answered_H7(month, text):
    (answer,) = month.answered(text)
    assert month.approved == []
    assert "Inget är godkänt." in answer
    assert "Acme AB (acme)" in answer
    assert "Svara OK på mejlet" in " ".join(answer.split())


def test_an_unknown_name_is_answered_with_the_names_that_there_are_H7(month):
    (answer,) = month.answered("OK utom acmee")
    assert "acmee" in answer
    for named in ("Acme AB (acme)", "Bergs Bygg & Co AB (bergs)", "Beta AB (beta)"):
        assert named in answer


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("OK utom acme", ["AVT-acme-2026-11"]),
        ("Ok except acme, bergs", ["AVT-acme-2026-11", "AVT-bergs-2026-11"]),
        ("Godkänt utom Bergs Bygg & Co AB\n\nMvh\nEva", ["AVT-bergs-2026-11"]),
        ("OK utom acme och bergs och beta", ALL),
    ],
)
def test_the_excepted_wait_for_a_later_ok_to_the_same_mail_H7(month, text, left):
    (answer,) = month.answered(text)
    assert month.approved == [each for each in ALL if each not in left]
    assert month.push() == month.approved
    assert "undantag" in answer
    (later,) = month.answered("OK", at="2026-12-02 09:00")
    assert month.approved == ALL
    assert f"{len(left)} fakturautkast" in later
    assert month.push("2026-12-02 09:05") == ALL


def test_a_second_ok_is_harmless_and_says_so_H7(month):
    month.answered("OK")
    pushed = month.push()
    (again,) = month.answered("Ja", at="2026-12-01 10:00")
    assert "Inget nytt är godkänt" in again
    assert "fakturautkastet finns redan" in again
    assert month.push("2026-12-01 10:05") == pushed


def test_an_engineer_of_finance_still_books_time_in_a_reply_to_the_close_C14(store, tmp_path):
    people = PEOPLE.replace('roles = ["finance"]', 'roles = ["finance", "engineer"]')
    desk = a_desk(store, tmp_path, settings=WANTS_OK, register=people)
    desk.get(a_mail(), "2026-11-20 09:00")
    desk.close(CLOSE, Books())
    (mail,) = desk.mailer.to(EKONOMI)
    before = len(desk.mailer.to("eva@example.se"))
    desk.get(
        an_engineers_mail("#1001 [tid: 1h 2026-12-01]", sender=EVA, reply_to=mail),
        "2026-12-01 09:00",
    )
    told = [text_of(raw) for raw in desk.mailer.to("eva@example.se")[before:]]
    assert any("Inget är godkänt." in each for each in told)
    assert any("1 h bokat" in each for each in told)


@pytest.mark.parametrize("style", STYLES)
def test_an_ok_as_each_mail_program_writes_it_approves_H7(month, style):
    raw = a_reply(style, "OK", month.mail, sender=EVA)
    month.get(raw.replace(b"Fri, 20 Nov 2026 10:00", b"Tue, 01 Dec 2026 09:00"))
    assert month.approved == ALL


def test_a_mail_of_a_later_release_approves_its_own_customers_alone_H7(store, tmp_path):
    desk = a_desk(store, tmp_path, settings=WANTS_OK, register=PEOPLE)
    books = Books()
    desk.get(a_mail("Cia <cia@beta.se>"), "2026-11-20 09:00")
    desk.get(an_engineers_mail("#1001 [tid: 13h]"), "2026-11-20 10:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    desk.close(CLOSE, books)  # the held time stops Beta's statement (H6)
    desk.get(an_engineers_mail("OK", reply_to=receipt), "2026-12-01 07:00")
    desk.close("2026-12-01 08:00", books)
    close, late = desk.mailer.to(EKONOMI)
    for at, answered, made in (("09:00", late, ALL[2:]), ("10:00", close, ALL)):
        desk.get(
            a_mail(
                EVA, "SV: x", "OK", proof=PROOF, reply_to=answered, date=f"1 Dec 2026 {at} +0100"
            ),
            f"2026-12-01 {at}",
        )
        desk.close(f"2026-12-01 {at}", books)
        assert sorted(each.reference for each in books.made) == made


# --- one function for mail, command and page --------------------------------------------------


def test_who_approved_is_an_event_and_stands_on_the_statement_K1(month):
    month.answered("OK utom acme")
    desk = month.desk.desk
    listed = statements_shown.listing(desk, instant(CLOSE))
    approved = {each.customer: each.approved for each in listed}
    assert approved["acme"] is None
    assert approved["beta"] == Approved("eva@example.se", instant("2026-12-01 09:00"))


def test_a_command_approves_by_the_same_function_H7(month):
    desk, now = month.desk.desk, instant("2026-12-01 09:00")
    first = approving.approve_month(desk, "2026-11", ["bergs", "beta"], now)
    second = approving.approve_month(desk, "2026-11", [], now)
    with pytest.raises(RefusedError, match="gamma"):
        approving.approve_month(desk, "2026-11", ["gamma"], now)
    assert [each.reference for each in first.approved] == ALL[:1]
    assert [each.reference for each in second.approved] == ALL[1:]
    assert [(each.statement.reference, each.why) for each in second.kept] == [
        ("AVT-acme-2026-11", "approved")
    ]


# --- generated replies (H7) -------------------------------------------------------------------

_SENDERS = {
    EVA: True,
    EKONOMI: True,
    ANNA: False,
    "Mia Berg <mia@example.se>": False,
    "Bo Ek <bo@acme.se>": False,
}
_TEXTS = {
    "OK": (),
    "godkänt!": (),
    "Approved\n\nKind regards": (),
    "ok utom acme": ("acme",),
    "Ja except bergs, Beta AB": ("bergs", "beta"),
    **dict.fromkeys(NO_APPROVAL),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(_SENDERS)),
            st.sampled_from(list(_TEXTS)),
            st.booleans(),
            st.sampled_from(["itself", "references"]),
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_drafts_go_exactly_where_a_model_of_the_rule_says_so_H7(closed_month, replies):
    """The model knows role, proof and text apart; the desk has only the mails."""
    month, expected = closed_month(), set()
    for minute, (sender, text, proven, by) in enumerate(replies):
        at = f"2026-12-01 09:{minute:02}"
        proof = PROOF if proven else None
        if by == "itself":
            month.reply(text, sender, at, proof=proof, reply_to=month.mail)
        else:
            named = header_of(month.mail, "Message-ID")
            month.reply(text, sender, at, proof=proof, headers=(("References", named),))
        excepted = _TEXTS[text]
        if _SENDERS[sender] and proven and by == "itself" and excepted is not None:
            expected |= {ref for ref in ALL if ref.split("-")[1] not in excepted}
    assert month.approved == sorted(expected)
