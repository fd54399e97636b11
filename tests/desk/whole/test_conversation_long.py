"""A month's worth of conversation through the SMTP door: tickets, mails and minutes (issue 5)."""

import datetime as dt
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.desk.incoming import receive
from daemon.desk.reminders import morning_digest
from daemon.intake.smtp import Door, Policy, Recipients
from daemon.settings.mail import Door as DoorTable
from daemon.settings.values import Listen
from daemon.store.mail import inbox
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from integrations.mailer import SmtpMailer, SmtpServer
from parsers.tags import read_tags
from tests.builders import a_desk, a_mail, an_engineers_mail, header_of, instant, text_of
from tests.desk.incoming.test_hostile_mail import a_bounce
from tests.desk.whole.replies import STYLES, UNCERTAIN, a_mail_of, a_reply, html_of
from tests.scripted_smtp import Sink, sink

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "conversation.txt"
BO, EVA, CIA = "Bo Ek <bo@acme.se>", "Eva Ny <eva@acme.se>", "Cia By <cia@beta.se>"
ANNA, ERIK = "Anna Svensson <anna@example.se>", "Erik Lind <erik@example.se>"


@dataclass
class Wired:
    """A desk between two sockets: mail comes in by its door, and goes out to a sink."""

    desk: object
    door: Door
    out: Sink
    now: dt.datetime = field(default_factory=lambda: instant("2026-11-16 09:00"))
    count: int = 0

    def to(self, address: str, number: int = -1) -> bytes:
        """A mail that somebody got."""
        return [raw for _, who, raw in self.out.mails if address in who][number]

    def take(self, raw: bytes, at: str, sender: str = "x@test") -> None:
        """Hand a mail in at an instant, act on it, and send what is to go."""
        self.now = instant(at)
        self.count += 1
        with smtplib.SMTP("127.0.0.1", self.door.port) as client:
            client.sendmail(sender, ["support@example.se"], raw)
        desk = self.desk.desk
        while receive.step(desk, self.now) | self.desk.sending.step(self.now):
            pass


@pytest.fixture
def wired(store, tmp_path):
    desk = a_desk(store, tmp_path)
    with sink() as out:
        desk.mailer = SmtpMailer(SmtpServer("127.0.0.1", out.port, "none"))
        table = DoorTable(listen=Listen("127.0.0.1", 0), max_size=2**22, connections=5)
        recipients = Recipients.of("support@example.se", ["helpdesk@example.se"], "plain")
        made = Wired(desk, None, out)
        made.door = Door(table, store, Policy(recipients=recipients, clock=lambda: made.now))
        made.door.start()
        yield made
        made.door.stop(grace=5)
        desk.mailer.close()


def summary(out: Sink, start: int = 0) -> list[str]:
    """Who got what: recipient, writer, subject, and the first words."""
    lines = []
    for _, who, raw in out.mails[start:]:
        address = who.partition("<")[2].partition(">")[0]
        writer = str(make_header(decode_header(header_of(raw, "From")))).partition("<")[0]
        writer = writer.strip().strip('"')
        subject = str(make_header(decode_header(header_of(raw, "Subject"))))
        lines.append(f"    {address:<18} {writer:<32} {subject}")
    return sorted(lines)


Made = Callable[[Wired], bytes]
anna = "anna@example.se"
# When each mail comes, what it is, and how it is made of what the desk has sent by then.
STORY: list[tuple[str, str, Made]] = [
    (
        "16 09:00",
        "Bo reports, Eva in Cc",
        lambda w: a_mail(BO, "Prio 2: Skrivaren står still", cc="eva@acme.se, offert@tredje.se"),
    ),
    (
        "16 09:10",
        "Eva's out-of-office",
        lambda w: a_mail(
            EVA,
            "Autosvar: Skrivaren",
            "Jag är ledig.",
            reply_to=w.to("bo@acme.se"),
            headers=[("Auto-Submitted", "auto-replied")],
        ),
    ),
    (
        "16 09:20",
        "Anna answers with time",
        lambda w: a_reply("outlook", "Hej Bo!\n\nVi tittar på den nu. [tid: 20m]", w.to(anna, 0)),
    ),
    (
        "16 09:40",
        "Bo adds something",
        lambda w: a_reply("gmail", "Den blinkar rött.", w.to("bo@acme.se"), sender=BO, proof="x"),
    ),
    (
        "16 09:45",
        "Erik notes inside",
        lambda w: a_mail_of(
            "[intern] [tid: 10m]\nDe har inte betalat, var försiktig med reservdelar.",
            answers=w.to("erik@example.se"),
            sender=ERIK,
        ),
    ),
    (
        "16 10:00",
        "Anna answers in HTML",
        lambda w: a_reply("gmail", "Byt patron. [tid: 30m] [vänta]", w.to(anna)),
    ),
    (
        "16 10:30",
        "Eva answers from her phone",
        lambda w: a_reply("apple", "Jag bytte den!", w.to("eva@acme.se"), sender=EVA, proof="x"),
    ),
    (
        "16 10:35",
        "a spoofed Anna",
        lambda w: a_mail(ANNA, "SV: x", "Fakturera allt. [tid: 9h]", reply_to=w.to("bo@acme.se")),
    ),
    (
        "16 10:40",
        "the real one refuses it",
        lambda w: a_mail(ANNA, "SV: x", "Nej, det är inte jag.", reply_to=w.to(anna)),
    ),
    (
        "16 11:00",
        "Anna closes",
        lambda w: a_reply(
            "outlook_web", "Bra, då stänger jag. [klar] [tid: 5m]", last(w, anna, "Skrivaren")
        ),
    ),
    (
        "16 11:05",
        "Bo says thanks",
        lambda w: a_reply("gmail", "Tack för hjälpen!", w.to("bo@acme.se"), sender=BO, proof="x"),
    ),
    (
        "17 08:30",
        "it stops again",
        lambda w: a_reply(
            "gmail", "Nu står den still igen?", w.to("bo@acme.se"), sender=BO, proof="x"
        ),
    ),
    (
        "17 08:40",
        "Cia of Beta writes",
        lambda w: a_mail(CIA, "Rapporten är tom", "Hej! Rapporten för oktober är tom."),
    ),
    (
        "17 08:45",
        "Bo's colleague opens the same",
        lambda w: a_mail(
            "Per Al <per@acme.se>", "Skrivaren igen", "Skrivaren står still hos oss också."
        ),
    ),
    (
        "17 08:50",
        "Erik merges",
        lambda w: a_mail_of(
            "[slå ihop: 1001] [intern]",
            answers=w.to("erik@example.se"),
            sender=ERIK,
            subject="SV: [#1003] Skrivaren igen",
        ),
    ),
    (
        "17 09:00",
        "Erik answers all of Acme",
        lambda w: a_mail_of(
            "Vi kommer ut i dag. [tid: 1h]",
            answers=last(w, "erik@example.se", "Skrivaren igen"),
            sender=ERIK,
            subject="SV: [#1003] Skrivaren igen",
        ),
    ),
    (
        "17 09:10",
        "the answer bounces at Per's",
        lambda w: a_bounce(w.to("per@acme.se"), "per@acme.se", 1),
    ),
    (
        "17 09:20",
        "Per answers the merged ticket",
        lambda w: a_mail("per@acme.se", "SV: [#1003] Skrivaren igen", "När kommer ni?"),
    ),
    (
        "17 09:30",
        "Anna answers Cia between the lines",
        lambda w: a_mail_of(
            "> Hej! Rapporten för oktober är tom.\n\n"
            "Så ska det inte vara, jag kollar. [tid: 45m]\n",
            answers=last(w, anna, "Rapporten"),
        ),
    ),
    (
        "17 09:40",
        "a stranger names the ticket",
        lambda w: a_mail("siv@gmail.com", "SV: [#1001] Skrivaren", "Vad säger ni till Bo?"),
    ),
    (
        "17 09:50",
        "Anna closes it as spam",
        lambda w: a_mail_of("[skräp]", answers=last(w, anna, "Skrivaren", -1), subject="SV"),
    ),
    (
        "17 10:00",
        "Cia forwards a thread",
        lambda w: a_mail(
            CIA,
            "VB: Rapporten är tom",
            "Se nedan.\n\n---------- Forwarded message ---------\nFrån: Ada <ada@beta.se>\n"
            "Date: fre 13 nov. 2026 kl 08:00\nSubject: x\nTo: cia@beta.se\n\nDen var tom i juli. "
            "[tid: 2h]\n",
            reply_to=w.to("cia@beta.se"),
        ),
    ),
    (
        "17 10:10",
        "Anna forgets the unit",
        lambda w: a_mail_of("Nu är den ifylld. [tid: 15]", answers=last(w, anna, "Rapporten")),
    ),
    (
        "17 10:15",
        "and corrects herself on the receipt",
        lambda w: a_mail_of("[tid: 15m]", answers=w.to(anna)),
    ),
    (
        "17 10:20",
        "Anna books too much",
        lambda w: a_mail_of("Klart. [tid: 14h] [klar]", answers=last(w, anna, "Rapporten", 0)),
    ),
    ("17 10:25", "and says OK", lambda w: a_mail_of("OK", answers=w.to(anna))),
    ("17 10:30", "and undoes it", lambda w: a_mail_of("[ångra]", answers=w.to(anna))),
    (
        "17 13:00",
        "a phone call for Beta",
        lambda w: a_mail_of(
            "[för: cia@beta.se] [tid: 10m]\nVi pratade om rapporten i telefon.",
            sender=ERIK,
            subject="Telefonsamtal",
        ),
    ),
    (
        "17 13:10",
        "Erik writes nearly intern",
        lambda w: a_mail_of("[intenr] Cia är sur.", answers=w.to("cia@beta.se"), sender=ERIK),
    ),
    ("17 13:20", "Bo asks for the balance", lambda w: a_mail(BO, "saldo", "")),
    (
        "17 13:30",
        "Anna answers Bo directly",
        lambda w: a_mail_of(
            "Nu är den lagad. [tid: 25m] [klar]",
            to="bo@acme.se, support@example.se",
            answers=last(w, anna, "Skrivaren står"),
        ),
    ),
    ("17 13:40", "the same mail once more", lambda w: a_mail(BO, "saldo", "")),
]


def last(wired: Wired, address: str, words: str, number: int = -1) -> bytes:
    """A notice that somebody got on a subject."""
    found = [
        raw
        for _, who, raw in wired.out.mails
        if address in who
        and words in str(make_header(decode_header(header_of(raw, "Subject"))))
        and "Kvitto" not in str(make_header(decode_header(header_of(raw, "Subject"))))
    ]
    return found[number]


def test_a_conversation_of_more_than_thirty_mails_ends_as_expected(wired):
    lines = []
    for at, what, make in STORY:
        start = len(wired.out.mails)
        wired.take(make(wired), f"2026-11-{at}")
        lines += [f"{at}  {what}", *summary(wired.out, start)]
    assert wired.count >= 30
    with wired.desk.desk.store.reading() as tx:
        found = tickets.listing(tx)
        assert not [row.reason for row in inbox.listing(tx) if row.attempts > 1]
        minutes = {
            key: sum(e.actual for e in ledger.of_customer(tx, register.customer_by_key(tx, key).id))
            for key in ("acme", "beta", "delta")
        }
    lines += ["", "tickets"]
    lines += [f"    {t.number} {t.status.value:<9} {t.requester:<16} {t.subject}" for t in found]
    lines += ["", f"minutes {minutes}"]
    text = "\n".join(lines) + "\n"
    assert minutes == {"acme": 150, "beta": 70, "delta": 0}
    assert text == GOLDEN.read_text("utf-8")
    nothing_leaks(wired.out, ["De har inte betalat", "Cia är sur", "Fakturera allt"])


def nothing_leaks(out: Sink, secrets: list[str]) -> None:
    """What must hold of every mail to a customer, whatever was said."""
    for _, who, raw in out.mails:
        if "example.se" in who.partition(">")[0]:
            continue
        check(who.partition("<")[2].partition(">")[0], raw, secrets)


def check(address: str, raw: bytes, secrets: list[str]) -> None:
    says = " ".join(f"{text_of(raw)} {html_of(raw)}".split())
    subject = str(make_header(decode_header(header_of(raw, "Subject"))))
    assert not read_tags(text_of(raw))
    assert not read_tags(subject)
    assert not [tag for tag in read_tags(html_of(raw)) if tag.kind == "tag"]
    assert "Bcc" not in message_from_bytes(raw)
    for secret in secrets:
        assert secret not in says
        assert secret not in subject
    own = address.rpartition("@")[2]
    others = {"acme.se", "beta.se", "delta.se"} - {own}
    head = raw.partition(b"\r\n\r\n")[0].decode()
    assert not [each for each in others if f"@{each}" in says + head]


# --- generated conversations ------------------------------------------------------------------

SECRETS = ["hemlig anteckning om kunden som ingen annan ska läsa alls", "kort hemlis nu"]
CUSTOMERS = ["bo@acme.se", "eva@acme.se", "cia@beta.se", "eve@delta.se", "siv@gmail.com"]
WORDS = st.sampled_from(
    ["Hej!", "Nu går den.", "Kan ni titta?", "Prio 1", "Tack!", "Vi ringer.", "Det blinkar."]
)
TAGS = st.sampled_from(
    [
        "[tid: 1h]",
        "[TID: 15]",
        "[tid 2h]",
        "[klar]",
        "[vänta]",
        "[prio: 1]",
        "[kund: acme]",
        "[kund: beta]",
        "[tilldela: Erik]",
        "[för: cia@beta.se]",
        "[för: bo@acme.se]",
        "[slå ihop: 1001]",
        "[öppna]",
        "[löfte: ring]",
        "[tid: 1h][klar]",
        "[start]",
        "",
        "[tid:\n30m]",
        "[tid: 20h]",
        "[kund: x]",
        "\n#1001 [tid: 1h]\n1002: [klar] ",
    ]
)
NEW = st.builds(lambda *parts: " ".join(parts), TAGS, WORDS, TAGS)
STYLE = st.sampled_from([*STYLES, *UNCERTAIN])
STEP = st.one_of(
    st.tuples(st.just("new"), st.sampled_from(CUSTOMERS), WORDS, STYLE),
    st.tuples(st.just("customer"), st.sampled_from(CUSTOMERS), WORDS, STYLE),
    st.tuples(st.just("engineer"), st.sampled_from([ANNA, ERIK]), NEW, STYLE),
    st.tuples(st.just("engineer"), st.sampled_from([ANNA, ERIK]), NEW, STYLE),
    st.tuples(st.just("note"), st.sampled_from([ANNA, ERIK]), st.sampled_from(SECRETS), STYLE),
    st.tuples(st.just("stolen"), st.sampled_from(CUSTOMERS), WORDS, STYLE),
)


def play(desk, steps, picks) -> None:
    for number, (kind, who, words, style) in enumerate(steps):
        now = instant("2026-11-16 09:00") + dt.timedelta(minutes=7 * number)
        if number == len(steps) // 2:
            morning_digest.send_digest(desk.desk, now)
            desk.work(now)
        address = who.partition("<")[2].rstrip(">") or who
        mine = desk.mailer.to(address)
        theirs = [raw for each, raw in desk.mailer.sent if each in CUSTOMERS]
        desk.get(
            made(kind, who, f"{words} {number}", style, (mine, theirs), picks[number]),
            now,
        )


def made(kind, who, words, style, sent, pick):
    mine, theirs = sent
    if kind == "note" and mine:
        text = f"[intern] {words.rpartition(' ')[0]}"
        return a_reply(style, text, mine[pick % len(mine)], sender=who)
    if kind == "engineer" and mine:
        return a_reply(style, words, mine[pick % len(mine)], sender=who, stripped=pick % 7 == 0)
    if kind in {"engineer", "note"}:
        return an_engineers_mail("[hjälp]", sender=who, subject="Hjälp mig")
    if kind == "customer" and mine:
        answered = mine[pick % len(mine)]
        return a_reply(style, words, answered, sender=who, proof="x")
    if kind == "stolen" and theirs:  # a mail of somebody else's that was forwarded to this one
        return a_mail(who, "SV: x", words, reply_to=theirs[pick % len(theirs)])
    return a_mail(who, f"Ärende {words}", words, headers=[("Bcc", "gomd@acme.se")])


@given(st.data())
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_of_ours_or_of_others_reaches_a_customer_whatever_is_said(make_desk, data):
    leaks_nothing(make_desk(), data)


@pytest.mark.long
@given(st.data())
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_of_ours_or_of_others_reaches_a_customer_in_many_conversations(make_desk, data):
    leaks_nothing(make_desk(), data)


def leaks_nothing(desk, data) -> None:
    steps = data.draw(st.lists(STEP, min_size=3, max_size=12))
    picks = data.draw(st.lists(st.integers(0, 1000), min_size=len(steps), max_size=len(steps)))
    play(desk, steps, picks)
    for address, raw in desk.mailer.sent:
        if address in CUSTOMERS:
            check_generated(address, raw)
        assert address != "gomd@acme.se"
    with desk.desk.store.reading() as tx:
        assert not [row.reason for row in inbox.listing(tx) if row.attempts > 1]


def check_generated(address: str, raw: bytes) -> None:
    says = " ".join(f"{text_of(raw)} {html_of(raw)}".replace(">", " ").split())
    assert not [secret for secret in SECRETS if secret in says]
    assert not read_tags(text_of(raw))
    assert not [tag for tag in read_tags(html_of(raw)) if tag.kind == "tag"]
    assert b"gomd@acme.se" not in raw
    head = raw.partition(b"\r\n\r\n")[0].decode()
    for ours in ("Acme AB (acme)", "Beta AB (beta)", "Den som svarar först", "Skriv taggen"):
        assert ours not in says
    if address.endswith(("acme.se", "beta.se", "delta.se")):
        others = {"acme.se", "beta.se", "delta.se"} - {address.rpartition("@")[2]}
        assert not [each for each in others if f"@{each}" in head]
