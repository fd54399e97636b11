"""The examples in docs/ are true: each is reckoned by the program."""

import datetime as dt
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from daemon.domain.money import Money
from daemon.domain.opening_hours import Calendar, OpeningHours
from daemon.settings import load
from parsers.assent import answer, read_approval
from parsers.body import read_body
from parsers.message import read
from parsers.priority import read_priority
from parsers.tags import read_tags
from tests.builders import a_mail

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RULES = (DOCS / "rules-by-example.md").read_text(encoding="utf-8")
CALENDAR = Calendar(OpeningHours())
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])


def rows(heading: str, text: str = RULES) -> list[list[str]]:
    """The rows of the first table under a heading, without backticks."""
    section = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def instant(text: str) -> dt.datetime:
    day, read = text.split(" ", 1)
    at = CALENDAR.local(dt.datetime.fromisoformat(f"{read}+00:00"))
    at = dt.datetime.fromisoformat(read).replace(tzinfo=at.tzinfo)
    assert f"{at:%a}" == day
    return at


@pytest.mark.parametrize(("received", "promise", "due"), rows("Opening hours"))
def test_A3_a_deadline_on_the_page_is_the_calendars(received, promise, due):
    hours = dt.timedelta(hours=int(promise.split()[0]))
    assert CALENDAR.add(instant(received), hours) == instant(due)


@pytest.mark.parametrize(("subject", "first", "level"), rows("Priority"))
def test_C5_a_level_on_the_page_is_what_is_read(subject, first, level):
    found = read_priority(subject, f"{first}\n\nText.\n").level
    assert (found or 3) == int(level)


@pytest.mark.parametrize(("tag", "minutes"), rows("Time tags"))
def test_C10_a_tag_on_the_page_is_read_so(tag, minutes):
    found = read_tags(f"Hej\n{tag}\n")
    if minutes == "no tag":
        assert found == ()
    elif minutes == "refused":
        assert [each.kind for each in found] == ["wrong"]
    else:
        assert [each.time.minutes for each in found] == [int(minutes)]


@pytest.mark.parametrize(("bank", "worked", "drawn", "over"), rows("The time bank"))
def test_G4_a_draw_on_the_page_adds_up(bank, worked, drawn, over):
    left, minutes, used, overage = (int(each.split()[0]) for each in (bank, worked, drawn, over))
    assert (used, overage) == (min(left, minutes), max(0, minutes - left))


@pytest.mark.parametrize(("due", "before", "hours", "amount"), rows("Closing a month"))
def test_H4_an_overage_row_on_the_page_is_right(due, before, hours, amount):
    total = (Decimal(due.split()[0]) / 60).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert total - Decimal(before.split()[0]) == Decimal(hours.split()[0])
    assert str(Money.parse("890.00").times(Decimal(hours.split()[0]))) == amount


@pytest.mark.parametrize(("reply", "approved"), rows("Approving a month"))
def test_H7_a_reply_on_the_page_approves_so_much(reply, approved):
    names = ("acme", "Acme AB", "bergs", "Bergs Bygg & Co AB")
    approval = read_approval(read_body(read(a_mail(text=reply))), names, ["Eva Ek"])
    if approval is None or approval.unknown:
        assert approved == "nothing"
    elif approval.excepted:
        assert approved == f"all but {', '.join(approval.excepted)}"
    else:
        assert approved == "all"


@pytest.mark.parametrize(("reply", "state"), rows("The word on a held message"))
def test_D1_a_reply_on_the_page_says_so(reply, state):
    assert {"yes": "released", "no": "shelved", None: "held"}[answer(reply)] == state


def test_every_tag_of_the_card_is_a_right_tag():
    card = (DOCS / "tagg-kort.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in card.splitlines() if line.startswith("| `["))
    written = re.findall(r"\[[^\]`]+\]", table.replace("| skriv", ""))
    assert len(written) > 20
    for tag in written:
        (read,) = read_tags(f"Hej\n{tag}\n")
        assert read.kind == "tag", (tag, read.error)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists(page):
    from daemon.cli.main import COMMANDS

    command = re.compile(r"(?:`|^ {4,8}|bin/|&& )avtald ([a-z][a-z-]+)", re.MULTILINE)
    named = set(command.findall(page.read_text(encoding="utf-8")))
    assert named <= {*COMMANDS, "simulate", "report"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_toml_block_is_valid_settings(page, tmp_path):
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)):
        tables = tomllib.loads(block)
        desk = "" if "name" in tables.get("desk", {}) else 'name = "E"\naddress = "a@b.se"\n'
        text = block if "[desk]" in block else f"[desk]\n{block}"
        text = text.replace("[desk]\n", f"[desk]\n{desk}", 1)
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in re.findall(r'_file = "([^"]+)"', text):
            (folder / name).write_text("secret", encoding="utf-8")
        (folder / "avtald.toml").write_text(text, encoding="utf-8")
        assert load.load(folder / "avtald.toml", {}).desk.name
