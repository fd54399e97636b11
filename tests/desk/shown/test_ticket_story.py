"""The whole story of a ticket, as `avtald ticket N` tells it (K1)."""

import json

import pytest
from click.testing import CliRunner

from daemon.cli.tickets import ticket as ticket_command
from daemon.desk.shown import tickets as tickets_shown
from tests.builders import a_mail, an_engineers_mail

ERIK = "Erik Lind <erik@example.se>"


@pytest.fixture
def told(desk):
    """A ticket on which most things have happened."""
    desk.get(a_mail(cc="eva@acme.se"), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(
        an_engineers_mail("Vi tittar. [tid: 1h; på plats]", reply_to=notice), "2026-11-20 09:10"
    )
    mail = an_engineers_mail("[intern] [prio: 2] [vänta]\nNot.", sender=ERIK, reply_to=notice)
    desk.get(mail, "2026-11-20 09:20")
    answer = desk.mailer.to("bo@acme.se")[-1]
    desk.get(a_mail(subject="SV", text="Hallå?", reply_to=answer), "2026-11-20 09:30")
    desk.get(an_engineers_mail("[inter] Hm.", reply_to=notice), "2026-11-20 09:40")
    desk.get(
        an_engineers_mail("[tilldela: Erik] [klar] [intern]", reply_to=notice), "2026-11-20 09:50"
    )
    return desk


def whole(desk):
    return tickets_shown.whole(desk.desk, 1001)


def test_every_change_is_an_event_with_time_actor_and_cause_K1(told):
    story = whole(told)
    kinds = [event.kind for event in story.events]
    for kind in (
        "opened",
        "participant",
        "relayed",
        "assigned",
        "time-booked",
        "priority",
        "waiting",
        "customer-message",
        "answer-stopped",
        "solved",
        "answer",
    ):
        assert kind in kinds
    assert all(event.actor and event.cause and event.at for event in story.events)
    (relayed,) = [event for event in story.events if event.kind == "relayed"]
    assert relayed.actor == "anna@example.se"
    assert relayed.data["to"] == ["bo@acme.se", "eva@acme.se"]


def test_it_tells_what_was_said_booked_and_mailed_K1(told):
    story = whole(told)
    assert [each.internal for each in story.messages] == [False, False, True, False, True]
    (entry,) = story.time
    assert (entry.actual, entry.engineer, entry.note) == (
        60,
        "anna@example.se",
        "på plats",
    )
    mailed = {(mail.kind, mail.to) for mail in story.mails}
    assert ("relay", "eva@acme.se") in mailed
    assert ("receipt", "anna@example.se") in mailed
    assert {mail.state for mail in story.mails} == {"sent"}


def test_a_merged_ticket_tells_the_story_of_both_D7(told):
    told.get(a_mail(subject="Två", text="Två"), "2026-11-20 10:00")
    second = told.mailer.to("erik@example.se")[-1]
    mail = an_engineers_mail("[slå ihop: 1001] [tid: 5m] [intern]", sender=ERIK, reply_to=second)
    told.get(mail, "2026-11-20 10:10")
    story = whole(told)
    assert [entry.actual for entry in story.time] == [60, 5]
    assert "merged" in [event.kind for event in story.events]
    assert "Två" in [each.text.strip() for each in story.messages]


def late_reply(desk):
    """A closed ticket, and the one that a late reply to it opened."""
    desk.get(a_mail(), "2026-11-02 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Klart. [klar]", reply_to=notice), "2026-11-02 10:00")
    answer = desk.mailer.to("bo@acme.se")[-1]
    desk.get(a_mail(subject="SV", text="Nu igen.", reply_to=answer), "2026-11-30 10:00")


def test_a_ticket_and_the_one_that_continues_it_name_each_other_D5(desk):
    late_reply(desk)
    found = [tickets_shown.whole(desk.desk, number) for number in (1001, 1002)]
    assert [(each.follows, each.followed_by) for each in found] == [
        (None, [1002]),
        (1001, []),
    ]


def run(desk, tmp_path, *words):
    """What `avtald ticket` prints of a desk's tickets."""
    settings = tmp_path / "avtald.toml"
    url = desk.desk.store.engine.url.render_as_string(hide_password=False)
    text = settings.read_text("utf-8") + f'[database]\nurl = "{url}"\n'
    text = text.replace("[desk]", f'[desk]\nstate_dir = "{tmp_path / "state"}"', 1)
    settings.write_text(text, "utf-8")
    ran = CliRunner().invoke(ticket_command, [*words, "--config", str(settings)])
    assert ran.exit_code == 0, ran.output
    return ran


def test_the_command_names_the_ticket_before_D5(desk, tmp_path):
    late_reply(desk)
    assert "fortsätter: #1001" in run(desk, tmp_path, "1002").output


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_command_prints_it_all_K1(told, tmp_path, form):
    ran = run(told, tmp_path, "1001", *form)
    if form:
        assert json.loads(ran.output)["time"][0]["actual"] == 60
    else:
        for words in ("Hallå?", "relayed", "60 min (60)", "relay ", "eva@acme.se"):
            assert words in ran.output
