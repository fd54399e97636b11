"""Only a bounce that proves itself withdraws a clock's stop; any other changes nothing (E1)."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daemon.desk.outgoing import reply_ids
from daemon.store.mail import outbox
from daemon.store.schema import tables
from daemon.store.tickets import tickets
from tests.bounced import ELSEWHERE, LOCALLY, OVER_SMTP, SERVER, a_bounce
from tests.builders import (
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    header_of,
    instant,
    settings_in,
    text_of,
)

BO, EVA = "bo@acme.se", "eva@acme.se"
OUTGOING = f'\n[outgoing]\nhost = "smtp.example.se"\nnames = ["{SERVER}"]\n'
PLAIN = SETTINGS + OUTGOING
PLUS = PLAIN.replace("operators", 'reply_address = "plus"\noperators')
BACK = PLAIN.replace("operators", 'return_address = "bounce@studs.example.se"\noperators')
LATER = "2026-11-20 10:00"


def answered(store, folder, written):
    """A desk whose engineer has answered Bo, and Eva in Cc."""
    desk = a_desk(store, folder, settings=written)
    desk.get(a_mail(cc=EVA), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Nu går den.\n", reply_to=notice), "2026-11-20 09:40")
    assert result(desk) == "met"
    return desk


@pytest.fixture(params=[PLUS, BACK], ids=["plus", "return_address"])
def keyed(request, store, tmp_path):
    return answered(store, tmp_path, request.param)


@pytest.fixture
def plain(store, tmp_path):
    return answered(store, tmp_path, PLAIN)


def result(desk):
    with desk.desk.store.reading() as tx:
        return tickets.clock_rows(tx, [tickets.by_number(tx, 1001).id])[0].result


def the_answer(desk, to=BO):
    return desk.mailer.to(to)[-1]


def path(desk, to=BO, raw=None):
    """The return path of the mail that this recipient got last."""
    message_id = header_of(raw or the_answer(desk, to), "Message-ID")
    query = (
        select(tables.outbox.c.envelope_from)
        .join(tables.outgoing)
        .where(tables.outgoing.c.message_id == message_id, tables.outbox.c.recipient == to)
    )
    with desk.desk.store.reading() as tx:
        return tx.execute(query).scalar_one()


def states(desk):
    with desk.desk.store.reading() as tx:
        rows = tx.execute(select(tables.outbox).order_by(tables.outbox.c.id)).all()
    return [(row.recipient, row.state) for row in rows]


def notes(desk):
    with desk.desk.store.reading() as tx:
        ticket = tickets.by_number(tx, 1001)
        return [each.text for each in tickets.said(tx, ticket.id) if each.author == "machine"]


def lost(desk, *recipients):
    """Genuine bounces of the answer for each of these, each to its own path."""
    for serial, each in enumerate(recipients):
        raw = a_bounce(the_answer(desk), each, to=path(desk, each), by=ELSEWHERE, serial=serial)
        desk.get(raw, LATER)


def changes_nothing(desk, *bounces, **envelope):
    """Not a delivery, not a clock; but a note says so, and the engineers hear of it."""
    before, told = states(desk), len(desk.mailer.to("anna@example.se"))
    for raw in bounces:
        desk.receive(raw, LATER, **envelope)
        desk.work(LATER)
    after = states(desk)
    assert after[: len(before)] == before
    assert result(desk) == "met"
    assert "inte styrkt" in notes(desk)[-1]
    assert len(desk.mailer.to("anna@example.se")) > told
    assert "inte styrkt" in text_of(desk.mailer.to("anna@example.se")[-1])


# --- return paths ---------------------------------------------------------------------------------


def test_every_mail_has_a_return_path_of_its_own_for_every_recipient(keyed):
    with keyed.desk.store.reading() as tx:
        paths = list(tx.scalars(select(tables.outbox.c.envelope_from)))
    assert len(set(paths)) == len(paths) > 4
    base = keyed.desk.settings.desk.keyed_return
    account, _, domain = base.partition("@")
    assert all(each.startswith(f"{account}+b1001.") for each in paths)
    # SPF holds for this domain, and DMARC asks for one that is From's or lies below it.
    assert {each.partition("@")[2] for each in paths} == {domain}
    assert f".{domain}".endswith(".example.se")


def test_a_desk_without_extensions_has_its_own_address_as_the_path(plain):
    with plain.desk.store.reading() as tx:
        paths = set(tx.scalars(select(tables.outbox.c.envelope_from)))
    assert paths == {"support@example.se"}


# --- genuine bounces ------------------------------------------------------------------------------


def test_bounces_to_the_return_paths_of_all_withdraw_the_stop_E1(keyed):
    lost(keyed, BO)
    assert result(keyed) == "met", "Eva has the answer"
    lost(keyed, EVA)
    assert result(keyed) == "running"
    assert [state for to, state in states(keyed) if to == EVA][-1] == "failed"
    assert notes(keyed)[-1].startswith("Ett svar till eva@acme.se kom inte fram (5.1.1)")


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_path_may_stand_wherever_the_mail_host_writes_it_E1(keyed, header):
    """A mailbox knows no envelope; a report is written to the path as well (RFC 3464)."""
    for serial, to in enumerate((BO, EVA)):
        raw = a_bounce(the_answer(keyed), to, to="undisclosed:;", serial=serial)
        keyed.get(f"{header}: <{path(keyed, to).upper()}>\r\n".encode() + raw, LATER)
    assert result(keyed) == "running"


def test_the_envelope_of_a_door_is_enough_E1(keyed):
    for serial, to in enumerate((BO, EVA)):
        raw = a_bounce(the_answer(keyed), to, to="somebody@else.se", serial=serial)
        keyed.receive(raw, LATER, envelope_to=(path(keyed, to),))
    keyed.work(LATER)
    assert result(keyed) == "running"


def test_the_path_names_the_mail_where_the_report_names_none_or_another_servers_E1(keyed):
    """Some servers give every mail a Message-ID of their own."""
    foreign = a_mail(message_id="<renamed@outlook.example>")
    keyed.get(a_bounce(None, BO, to=path(keyed, BO), serial=1), LATER)
    keyed.get(a_bounce(foreign, EVA, to=path(keyed, EVA), serial=2), LATER)
    assert result(keyed) == "running"


def test_a_delay_told_to_the_path_withdraws_nothing_E1(keyed):
    for serial, to in enumerate((BO, EVA)):
        report = a_bounce(
            the_answer(keyed),
            to,
            to=path(keyed, to),
            action="delayed",
            status="4.4.1",
            serial=serial,
        )
        keyed.get(report, LATER)
    assert result(keyed) == "met"
    assert "har inte kommit fram ännu" in notes(keyed)[-1]


@pytest.mark.parametrize(
    "received",
    [
        LOCALLY,
        f"Received: from localhost (localhost)\r\n\tby {SERVER} (8.17.1/8.17.1) id 4AK; x",
        f"Received: from Debian-exim by {SERVER} with local (Exim 4.96)\r\n\tid 1r4-0007; x",
        f"Received: from {SERVER}\r\n\tby {SERVER} with LMTP\r\n\tid x; y\r\n{LOCALLY}",
        f"Authentication-Results: mx.example.se; spf=pass smtp.helo={SERVER}",
        f"Authentication-Results: mx.example.se; dmarc=pass header.from={SERVER}",
    ],
    ids=["postfix", "sendmail", "exim", "dovecot", "spf", "dmarc"],
)
def test_a_bounce_that_our_own_server_wrote_withdraws_the_stop_without_a_path_E1(plain, received):
    plain.get(a_bounce(the_answer(plain), BO, EVA, received=(received,)), LATER)
    assert result(plain) == "running"


# --- forged bounces -------------------------------------------------------------------------------


def test_a_bounce_with_the_right_message_id_and_no_key_changes_nothing_E1(keyed):
    """Issue 15, 5: every recipient knows the Message-ID."""
    changes_nothing(keyed, a_bounce(the_answer(keyed), BO, EVA))


def test_the_key_of_another_mail_changes_nothing_E1(keyed):
    """The attacker got the confirmation, and its path; the answer went to others."""
    confirmation = keyed.mailer.to(BO)[0]
    stolen = path(keyed, BO, raw=confirmation)
    changes_nothing(keyed, a_bounce(the_answer(keyed), BO, EVA, to=stolen))


def test_the_key_of_one_recipient_speaks_for_no_other_E1(keyed):
    """Eva's own path, and Bo's failure."""
    own = path(keyed, EVA)
    keyed.get(a_bounce(the_answer(keyed), BO, EVA, to=own), LATER)
    assert result(keyed) == "met"
    assert [state for to, state in states(keyed) if to == BO][-1] == "sent"
    assert [state for to, state in states(keyed) if to == EVA][-1] == "failed"


@pytest.mark.parametrize("change", ["digit", "ticket", "which", "reply id", "other desk"])
def test_a_key_that_is_not_quite_right_changes_nothing_E1(keyed, change):
    right, answer = path(keyed, BO), the_answer(keyed)
    local, _, domain = right.partition("@")
    account, _, token = local.partition("+")
    number, which, proof = token.split(".")
    wrong = {
        "digit": f"{number}.{which}.{'a' if proof[0] != 'a' else 'b'}{proof[1:]}",
        "ticket": f"b1002.{which}.{proof}",
        "which": f"{number}.{which[::-1]}.{proof}",
        "reply id": header_of(answer, "Message-ID")[1:].partition("@")[0],
        "other desk": reply_ids.return_path(
            b"another", header_of(answer, "Message-ID"), BO, f"{account}@{domain}"
        )
        .partition("+")[2]
        .partition("@")[0],
    }[change]
    changes_nothing(keyed, a_bounce(answer, BO, EVA, to=f"{account}+{wrong}@{domain}"))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16),
    number=st.sampled_from(["b1001", "b0", "b1002", "t1001"]),
    where=st.sampled_from(["To", "Delivered-To", "envelope", "X-Original-To"]),
    received=st.sampled_from([(), (OVER_SMTP,), (OVER_SMTP, LOCALLY)]),
    by=st.sampled_from([SERVER, ELSEWHERE, "smtp.example.se"]),
    results=st.sampled_from(
        [
            "",
            f"evil.example; spf=pass smtp.helo={SERVER}",
            f"mx.example.se; spf=fail smtp.helo={SERVER}",
            "mx.example.se; spf=pass smtp.helo=evil.example",
            "mx.example.se; dmarc=pass header.from=evil.example",
            f"mx.example.se; spf=pass smtp.mailfrom={SERVER}",
        ]
    ),
)
def test_no_forged_bounce_changes_anything_E1(make_plus, key, number, where, received, by, results):
    desk = make_plus()
    which = path(desk).partition(".")[2].partition(".")[0]
    address = f"support+{number}.{which}.{key}@example.se"
    lines = list(received)
    if results:
        lines.insert(0, f"Authentication-Results: {results}")
    if where in {"Delivered-To", "X-Original-To"}:
        lines.append(f"{where}: {address}")
    to = address if where == "To" else "support@example.se"
    raw = a_bounce(the_answer(desk), BO, EVA, to=to, by=by, received=tuple(lines))
    envelope = {"envelope_to": (address,)} if where == "envelope" else {}
    changes_nothing(desk, raw, **envelope)


@pytest.fixture
def make_plus(make_desk, tmp_path):
    """Makes a desk with reply_address = "plus" whose engineer has answered."""
    read = settings_in(tmp_path, PLUS)

    def made():
        desk = make_desk()
        desk.desk = replace(desk.desk, settings=read)
        desk.get(a_mail(cc=EVA), "2026-11-20 09:00")
        notice = desk.mailer.to("anna@example.se")[0]
        desk.get(an_engineers_mail("Nu går den.\n", reply_to=notice), "2026-11-20 09:40")
        return desk

    return made


@pytest.mark.parametrize(
    "received",
    [
        (),
        (OVER_SMTP,),
        (OVER_SMTP, LOCALLY),
        (f"Received: from [203.0.113.7] (helo=x with local )\r\n\tby {SERVER} with smtp id 1",),
        (f"Received: from localhost (evil.example [203.0.113.7])\r\n\tby {SERVER} with ESMTP",),
        (f"Received: by evil.example (Postfix) id 1; {SERVER}",),
        (f"Authentication-Results: evil.example; spf=pass smtp.helo={SERVER}",),
        (f"Authentication-Results: mx.example.se; spf=none\r\nX: y\r\n{OVER_SMTP}\r\n{LOCALLY}",),
    ],
)
def test_a_bounce_that_came_from_elsewhere_changes_nothing_without_paths_E1(plain, received):
    """Its author may write our server's name into the report, and into lines of its own."""
    changes_nothing(plain, a_bounce(the_answer(plain), BO, EVA, received=received))


def test_a_bounce_that_our_server_passes_on_for_another_changes_nothing_E1(plain):
    changes_nothing(plain, a_bounce(the_answer(plain), BO, EVA, by=ELSEWHERE, received=(LOCALLY,)))


def test_a_forged_bounce_of_a_mail_about_no_ticket_is_told_and_changes_nothing(plain):
    with plain.desk.store.writing() as tx:
        mail = outbox.Mail(
            "k",
            "close",
            "<k@example.se>",
            b"Subject: x\r\n\r\nx\r\n",
            ("ekonomi@example.se",),
            "support@example.se",
        )
        outbox.put(tx, mail, instant(LATER))
    plain.work(LATER)
    sent = plain.mailer.to("ekonomi@example.se")[-1]
    sent = b"Message-ID: <k@example.se>\r\n" + sent
    before = states(plain)
    plain.get(a_bounce(sent, "ekonomi@example.se", "x@y.se", "z@y.se"), LATER)
    assert states(plain)[: len(before)] == before
    assert len(plain.mailer.to("drift@example.se")) == 1


# --- what else comes back -------------------------------------------------------------------------


def test_an_automatic_answer_to_the_return_path_belongs_to_the_ticket_of_its_mail(keyed):
    """RFC 3834, section 4: it goes to the return path, and may name no mail."""
    absent = a_mail(
        "Bo Ek <bo@acme.se>",
        "Frånvaro",
        "Jag är bortrest.",
        to=path(keyed, BO),
        headers=[("Auto-Submitted", "auto-replied")],
        message_id="<away@acme.se>",
    )
    before = len(keyed.mailer.to(BO))
    keyed.get(absent, LATER)
    with keyed.desk.store.reading() as tx:
        assert len(tickets.listing(tx)) == 1
        texts = [each.text for each in tickets.said(tx, tickets.by_number(tx, 1001).id)]
    assert any("bortrest" in text for text in texts)
    assert len(keyed.mailer.to(BO)) == before
    assert result(keyed) == "met"


def test_a_stranger_with_a_made_up_return_path_joins_no_ticket_D3(keyed):
    local, _, domain = path(keyed).partition("@")
    forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    keyed.get(a_mail("X <x@evil.example>", "Hej", "Hej", to=forged, message_id="<x@y>"), LATER)
    with keyed.desk.store.reading() as tx:
        assert len(tickets.listing(tx)) == 2
