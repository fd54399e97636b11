"""avtald.toml: what it decides, and every mistake in it at once (contract.md 1)."""

import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from daemon.domain.agreement import BUILT_IN
from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.settings import load as config
from daemon.settings import sample as settings_sample
from daemon.settings import toml
from daemon.settings.checked import MistakesError

SMALL = '[desk]\nname = "Exempel Support"\naddress = "support@example.se"\n'
IMAP = '[intake.imap]\nhost = "imap.example.se"\nusername = "u"\npassword_file = "imap-password"\n'
CONTRACT = """
[desk]
name = "Exempel Support"
address = "support@example.se"
aliases = ["helpdesk@example.se"]
reply_address = "plain"
operators = ["drift@example.se"]
language = "sv"
timezone = "Europe/Stockholm"
state_dir = "var"
go_live = 2026-01-01T00:00:00+01:00
reopen_within = "14d"

[database]
url = "sqlite:///var/avtald.db"
password_file = "db-password"

[calendar]
open = "08:00"
close = "17:00"
weekdays = [1, 2, 3, 4, 5]
country = "SE"
closed = ["midsommarafton", "julafton", "nyårsafton", 2026-12-28]
half_days = { "2026-04-02" = "12:00" }

[intake.imap]
host = "imap.example.se"
port = 993
tls = "implicit"
username = "support@example.se"
password_file = "imap-password"
folder = "INBOX"
done_folder = "Avtald"
poll = "60s"
[intake.lmtp]
listen = "127.0.0.1:2424"
[intake.smtp]
listen = "127.0.0.1:2525"
max_size = "25MB"

[outgoing]
host = "smtp.example.se"
port = 465
tls = "implicit"
username = "support@example.se"
password_file = "smtp-password"

[identity]
require = "dmarc"
trusted_authserv_ids = ["mx.example.se"]
microsoft365 = false
dkim = true
spam_header = "X-Spam-Flag: YES"

[clock]
warn_at = [50, 80]

[accounting]
kind = "fortnox"
approval = "automatic"
finance = ["ekonomi@example.se"]
close_delay = "0h"
first_month = "2026-01"
overage = "monthly"
[accounting.fortnox]
api_url = "https://api.fortnox.se"
auth_url = "https://apps.fortnox.se/oauth-v1/auth"
token_url = "https://apps.fortnox.se/oauth-v1/token"
client_id = "…"
client_secret_file = "fortnox-client-secret"
tenant_id = 123456
fee_article = "SUPPORT"
hour_article = "SUPPORTTIM"

[plans.alert]
name = "Alert!"
response_hours = { 1 = 1, 2 = 1, 3 = 1, 4 = 1 }
bank_hours = 15
bank_period = "quarter"
monthly_fee = "8000.00"
hourly_rate = "850.00"
term_months = 12
review_meetings = "quarter"
reports = "month"
increment = "1m"
[[plans.alert.prices]]
from = 2027-01-01
monthly_fee = "8400.00"
"""
SECRETS = (
    "db-password",
    "imap-password",
    "smtp-password",
    "mail-password",
    "fortnox-client-secret",
    "fortnox-key",
    "oauth2-client-secret",
    "oauth2-refresh-token",
)


@pytest.fixture
def load(tmp_path):
    """Loads settings from a text, with the secrets beside the file; gives them or the mistakes."""
    for name in SECRETS:
        (tmp_path / name).write_text(f"secret of {name}\n", encoding="utf-8")
    file = tmp_path / "avtald.toml"

    def loaded(text: str, environ: dict[str, str] | None = None) -> config.Settings:
        file.write_text(text, encoding="utf-8")
        return config.load(file, environ or {})

    return loaded


def wrong_in(load, text: str) -> tuple[config.Mistake, ...]:
    """What is wrong with a text, which may be nothing."""
    try:
        load(text)
    except MistakesError as error:
        return error.mistakes
    return ()


def mistakes_in(load, text: str) -> dict[str, str]:
    """What is wrong with a text: key → what would be right."""
    with pytest.raises(MistakesError) as caught:
        load(text)
    assert all(mistake.file.endswith("avtald.toml") for mistake in caught.value.mistakes)
    return {mistake.key: mistake.says for mistake in caught.value.mistakes}


# --- what is read ------------------------------------------------------------------------------


def test_the_file_of_the_contract_is_read_as_it_stands(load, tmp_path):
    settings = load(CONTRACT)
    assert settings.desk.addresses == {"support@example.se", "helpdesk@example.se"}
    assert settings.desk.go_live == dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)
    assert settings.desk.reopen_within == dt.timedelta(days=14)
    assert settings.desk.state_dir == tmp_path / "var"
    assert settings.database.url == f"sqlite:///{tmp_path}/var/avtald.db"
    assert settings.database.file == tmp_path / "var" / "avtald.db"
    assert settings.calendar.closed[-1] == dt.date(2026, 12, 28)
    assert settings.calendar.half_days == {dt.date(2026, 4, 2): dt.time(12)}
    (mailbox,) = settings.intake.imap
    assert (mailbox.password, mailbox.port_used) == ("secret of imap-password", 993)
    assert mailbox.name == "support@example.se@imap.example.se/INBOX"
    assert str(settings.intake.smtp.listen) == "127.0.0.1:2525"
    assert settings.intake.smtp.max_size == 25 * 1024 * 1024
    assert settings.outgoing.password == "secret of smtp-password"
    assert settings.identity.spam_header == "X-Spam-Flag: YES"
    assert settings.clock.warn_at == (50, 80)
    assert settings.accounting.first_month == Period.parse("2026-01")
    assert settings.accounting.fortnox.client_secret == "secret of fortnox-client-secret"
    assert settings.plans["alert"].terms_on(dt.date(2027, 1, 1)).monthly_fee == Money(8400_00)


def test_everything_but_name_and_address_has_the_default_of_the_rules(load):
    """Every value that rules.md marks as a setting."""
    settings = load(SMALL)
    assert settings.desk.timezone == settings.calendar.zone == "Europe/Stockholm"  # A1
    assert (settings.calendar.open, settings.calendar.close) == (dt.time(8), dt.time(17))  # A2
    assert settings.calendar.weekdays == {1, 2, 3, 4, 5}
    assert settings.calendar.closed == ("midsommarafton", "julafton", "nyårsafton")
    assert settings.desk.go_live is None  # B5
    assert settings.priority.words == {"akut": 1, "brådskande": 2, "urgent": 2}  # C5
    limits = settings.worklog
    assert (limits.tag_hours, limits.day_hours, limits.days_back) == (12, 24, 62)  # C11
    assert settings.identity.require == "dmarc"  # D1
    assert settings.identity.spam_header is None  # D2
    assert settings.desk.reopen_within == dt.timedelta(days=14)  # D5
    assert settings.clock.warn_at == (50, 80)  # E7
    assert settings.bank.warn_at == (80, 100)  # G6
    assert settings.accounting.close_delay == dt.timedelta(0)  # H1
    assert settings.accounting.first_month is None
    assert settings.accounting.overage == "monthly"  # H3
    assert settings.accounting.approval == "automatic"  # H7
    assert settings.accounting.kind == "files"
    assert settings.desk.language == "sv"  # J1
    assert (settings.desk.answers, settings.desk.answers_within) == (10, dt.timedelta(hours=3))
    assert dict(settings.plans) == dict(BUILT_IN)  # E2, G5
    assert settings.intake.imap == ()
    assert settings.intake.lmtp is settings.intake.smtp is settings.outgoing is None


def test_the_same_defaults_hold_where_the_tables_stand_empty(load):
    tables = "[calendar]\n[intake]\n[identity]\n[clock]\n[accounting]\n[plans]\n[database]\n"
    assert load(SMALL + tables) == load(SMALL)


def test_a_default_path_counts_from_the_files_own_folder(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    settings = load(SMALL)
    assert settings.desk.state_dir == tmp_path / "var"
    assert settings.database.file == tmp_path / "var" / "avtald.db"


def test_an_absolute_path_stays_where_it_is(load):
    text = SMALL + 'state_dir = "/srv/state"\n[database]\nurl = "sqlite:////srv/a.db"\n'
    settings = load(text)
    assert settings.desk.state_dir == Path("/srv/state")
    assert settings.database.file == Path("/srv/a.db")


def test_postgresql_has_its_password_in_a_file(load):
    url = "postgresql+psycopg://avtald@db.example.se/avtald"
    settings = load(SMALL + f'[database]\nurl = "{url}"\npassword_file = "db-password"\n')
    assert (settings.database.url, settings.database.password) == (url, "secret of db-password")
    assert settings.database.file is None


def test_several_mailboxes_are_a_list_of_tables(load):
    one = IMAP.replace("[intake.imap]", "[[intake.imap]]")
    settings = load(SMALL + one + one.replace('"u"', '"v"'))
    assert [mailbox.username for mailbox in settings.intake.imap] == ["u", "v"]


@pytest.mark.parametrize(
    ("line", "key"), [('done_folder = "Inbox"', "done_folder"), ('tls = "starttls"', "tls")]
)
def test_a_mailbox_that_could_never_work_is_a_mistake(load, line, key):
    """RFC 9051: INBOX has no case, and a mail that is moved to where it lies comes anew."""
    (said,) = mistakes_in(load, SMALL + IMAP + f"port = 993\n{line}\n").items()
    assert said[0] == f"intake.imap.{key}"


def test_mail_that_two_mailboxes_would_move_to_each_other_is_a_mistake(load):
    one = IMAP.replace("[intake.imap]", "[[intake.imap]]")
    two = one + 'folder = "Avtald"\ndone_folder = "inbox"\n'
    assert "never rests" in mistakes_in(load, SMALL + one + two)["intake.imap"]


@pytest.mark.parametrize(
    ("tls", "imap", "smtp"), [("implicit", 993, 465), ("starttls", 143, 587), ("none", 143, 25)]
)
def test_the_port_is_the_usual_one_where_none_is_said(load, tls, imap, smtp):
    inside = IMAP.replace("imap.example.se", "localhost") + f'tls = "{tls}"\n'
    outside = f'[outgoing]\nhost = "127.0.0.1"\ntls = "{tls}"\n'
    settings = load(SMALL + inside + outside)
    assert settings.intake.imap[0].port_used == imap
    assert settings.outgoing.port_used == smtp


def test_a_unix_socket_is_a_door_too(load):
    settings = load(SMALL + '[intake.lmtp]\nlisten = "unix:/run/avtald/lmtp"\n')
    assert settings.intake.lmtp.listen.path == Path("/run/avtald/lmtp")
    assert str(settings.intake.lmtp.listen) == "unix:/run/avtald/lmtp"


def test_oauth2_takes_the_place_of_a_password(load):
    text = (
        SMALL
        + '[intake.imap]\nhost = "outlook.office365.com"\nusername = "u"\nauth = "oauth2"\n'
        + '[intake.imap.oauth2]\ntoken_url = "https://login.example.se/token"\nclient_id = "c"\n'
        + 'client_secret_file = "oauth2-client-secret"\n'
    )
    (mailbox,) = load(text).intake.imap
    assert mailbox.oauth2.client_secret == "secret of oauth2-client-secret"
    assert mailbox.oauth2.refresh_token is None


# --- secrets -----------------------------------------------------------------------------------


def test_a_bare_secret_is_looked_for_among_systemds_credentials_first(load, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "imap-password").write_text("from systemd\n", encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert load(SMALL + IMAP, environ).intake.imap[0].password == "from systemd"
    (credentials / "imap-password").unlink()
    assert load(SMALL + IMAP, environ).intake.imap[0].password == "secret of imap-password"


def test_a_secret_with_a_path_counts_from_the_files_folder(load, tmp_path):
    (tmp_path / "hemligt").mkdir()
    (tmp_path / "hemligt" / "imap").write_text("in a folder", encoding="utf-8")
    settings = load(SMALL + IMAP.replace("imap-password", "hemligt/imap"))
    assert settings.intake.imap[0].password == "in a folder"
    assert list(settings.secret_files()) == [tmp_path / "hemligt" / "imap"]


def test_a_secret_never_shows(load):
    assert "secret of" not in repr(load(CONTRACT))


def test_a_missing_or_empty_secret_says_where_it_was_looked_for(load, tmp_path):
    (tmp_path / "imap-password").unlink()
    says = mistakes_in(load, SMALL + IMAP)["intake.imap.password_file"]
    assert "'imap-password'" in says
    assert str(tmp_path) in says
    (tmp_path / "imap-password").write_text("\n", encoding="utf-8")
    assert "is empty" in mistakes_in(load, SMALL + IMAP)["intake.imap.password_file"]


def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(load):
    url = "postgresql+psycopg://avtald:hunter2@db/avtald"
    wrong = mistakes_in(
        load, SMALL + f'[database]\nurl = "{url}"\n[outgoing]\npassword = "hunter2"\n'
    )
    assert "password_file" in wrong["database.url"]
    assert "password_file" in wrong["outgoing.password"]
    assert "hunter2" not in str(wrong)


# --- mistakes ----------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_with_key_and_remedy(load):
    """Types, unknown keys, values, and what only a whole table can tell."""
    text = """
[desk]
name = "Exempel Support"
address = "support@@example.se"
reopen_within = 14
[calender]
[clock]
warn_at = [80, 50]
[accounting]
kind = "fortnox"
"""
    wrong = mistakes_in(load, text)
    assert set(wrong) == {
        "desk.address",
        "desk.reopen_within",
        "calender",
        "clock.warn_at",
        "accounting.fortnox",
    }
    assert "did you mean calendar?" in wrong["calender"]
    assert '"14d"' in wrong["desk.reopen_within"]
    assert "[accounting.fortnox]" in wrong["accounting.fortnox"]


def test_what_only_several_tables_tell_is_told_beside_the_mistakes_in_one(load):
    text = SMALL + 'operators = ["support@example.se"]\n[clock]\nwarn_at = 50\n'
    assert set(mistakes_in(load, text)) == {"desk.operators", "clock.warn_at"}


ONE_WRONG = [
    ('language = "se"', "desk.language", 'write "sv" or "en"'),
    ('reply_address = "minus"', "desk.reply_address", '"plus"'),
    ('timezone = "Europe/Stokholm"', "desk.timezone", "Europe/Stockholm"),
    ("go_live = 2026-01-01T00:00:00", "desk.go_live", "offset"),
    ('go_live = "snart"', "desk.go_live", "offset"),
    ('reopen_within = "två veckor"', "desk.reopen_within", '"2h"'),
    ('aliases = "helpdesk@example.se"', "desk.aliases", "list"),
    ('aliases = ["support@example.se"]', "desk.aliases", "already"),
    ('aliases = ["a@example.se", "b"]', "desk.aliases[2]", "no mail address"),
    ('return_address = "bounce@other.se"', "desk.return_address", "DMARC"),
    ('return_address = "bounce@xexample.se"', "desk.return_address", "DMARC"),
    ('[identity]\nnameserver = "dns.example.se:53"', "identity.nameserver", "IP address"),
    ('[identity]\nnameserver = "127.0.0.1"', "identity.nameserver", "IP address"),
    ("state_dir = 5", "desk.state_dir", "text in quotes"),
    ("answers = true", "desk.answers", "whole number"),
    ("answers = 0", "desk.answers", "whole number from 1"),
    ('answers_within = "0h"', "desk.answers_within", "longer than nothing"),
    ('[database]\nurl = "mysql://x/y"', "database.url", "sqlite:///"),
    ('[calendar]\nopen = "8"', "calendar.open", '"08:00"'),
    ('[calendar]\nopen = "25:00"', "calendar.open", '"08:00"'),
    ('[calendar]\nopen = "17:00"', "calendar", "not after opening"),
    ("[calendar]\nweekdays = [0]", "calendar.weekdays", "1 to 7"),
    ("[calendar]\nweekdays = []", "calendar.weekdays", "Monday is 1"),
    ('[calendar]\nclosed = ["midsomarafton"]', "calendar.closed[1]", "midsommarafton"),
    ('[calendar]\nhalf_days = { julafton = "07:00" }', "calendar", "half day julafton"),
    ('[calendar]\nhalf_days = { "2026-04-02" = 12 }', "calendar.half_days", '"08:00"'),
    ('[calendar]\ncountry = "Sverige"', "calendar.country", '"SE"'),
    ('[calendar]\ncountry = "XX"', "calendar", "'XX'"),
    ("intake = 5", "desk.intake", "unknown key"),
    ('[intake.lmtp]\nlisten = "2424"', "intake.lmtp.listen", '"127.0.0.1:2424"'),
    ('[intake.lmtp]\nlisten = "a:99999"', "intake.lmtp.listen", '"127.0.0.1:2424"'),
    ("[intake.smtp]", "intake.smtp.listen", "is missing: write listen ="),
    ('[intake.smtp]\nlisten = "0.0.0.0:25"', "intake.smtp.listen", "for this machine only"),
    ('[intake.lmtp]\nlisten = "[::]:24"', "intake.lmtp.listen", "for this machine only"),
    ('[intake.limits]\nheader = "8k"', "intake.limits.header", '"512kB"'),
    ('[outgoing]\nhost = "smtp://x"', "outgoing.host", "no host"),
    ('[outgoing]\nhost = "x"\nport = 0', "outgoing.port", "1 to 65535"),
    ('[outgoing]\nhost = "x"\nusername = "u"', "outgoing.password_file", "is missing"),
    ('[outgoing]\nhost = "x"\ntls = "none"', "outgoing.tls", "in clear"),
    ('[outgoing]\nhost = "x"\nauth = "oauth2"\nusername = "u"', "outgoing.oauth2", "token_url"),
    ('[intake.imap]\nhost = "x"', "intake.imap.password_file", "username and password_file"),
    ('[identity]\nspam_header = "YES"', "identity.spam_header", '"X-Spam-Flag: YES"'),
    ('[identity]\ndkim = "yes"', "identity.dkim", "true or false"),
    ("[priority]\nwords = { akut = 5 }", "priority.words", "1 to 4"),
    ("[priority]\nwords = []", "priority.words", "akut = 1"),
    ("[bank]\nwarn_at = [0]", "bank.warn_at", "1 to 1000"),
    ('[accounting]\nkind = "visma"', "accounting.kind", '"fortnox"'),
    ('[accounting]\napproval = "finance"', "accounting.finance", "is missing"),
    ('[accounting]\nfirst_month = "2026-Q1"', "accounting.first_month", '"2026-01"'),
    ('[accounting]\nclose_delay = "-1h"', "accounting.close_delay", '"2h"'),
    ('[accounting]\nfinance = ["support@example.se"]', "accounting.finance", "desk's own"),
    ("[plans]\nalert = 5", "plans.alert", "write a table"),
    ("[plans.alert]\nmonthly_fee = 8000", "plans.alert.monthly_fee", '"8000.00"'),
    ('[plans.alert]\nmonthly_fee = "8000"', "plans.alert.monthly_fee", '"8000.00"'),
    ('[plans.alert]\nmonthly_fee = "-1.00"', "plans.alert.monthly_fee", '"8000.00"'),
    ('[plans.alert]\nbank_period = "month"', "plans.alert.bank_period", '"half-year"'),
    ("[plans.alert]\nbank_hours = 0.0001", "plans.alert.bank_hours", "whole minutes"),
    ("[plans.alert]\nresponse_hours = 1", "plans.alert.response_hours", "by priority"),
    ("[plans.alert]\nresponse_hours = { 5 = 1 }", "plans.alert.response_hours", "by priority"),
    ('[plans.alert]\nincrement = "10m"', "plans.alert.increment", '"15m"'),
    ('[[plans.alert.prices]]\nmonthly_fee = "1.00"', "plans.alert.prices[1].from", "from ="),
    ("[[plans.alert.prices]]\nfrom = 2027-01-01", "plans.alert.prices[1]", "nothing new"),
    ('[plans.gold]\nhourly_rate = "1.00"\nbank_hours = 5', "plans.gold", "bank_period"),
    ('[plans.gold]\nname = "Guld"', "plans.gold.hourly_rate", "is missing"),
    ('[plans.Guld]\nhourly_rate = "1.00"', "plans.Guld", "a-z"),
]


@pytest.mark.parametrize(("line", "key", "says"), ONE_WRONG, ids=[each[0] for each in ONE_WRONG])
def test_one_mistake_is_told_with_its_key_and_what_would_be_right(load, line, key, says):
    wrong = mistakes_in(load, SMALL + line + "\n")
    assert list(wrong) == [key]
    assert says in wrong[key]


TABLES = re.findall(r"^#?\[([a-z0-9_.]+)\]$", settings_sample.sample(), re.MULTILINE)


@pytest.mark.parametrize("table", [*TABLES, "plans.alert", "plans.own"])
def test_every_table_refuses_an_unknown_key(load, table):
    text = f"[{table}]\nnonsense = 1\n"
    wrong = wrong_in(load, text if table == "desk" else SMALL + text)
    assert f"{table}.nonsense" in [mistake.key for mistake in wrong]


def test_every_list_of_tables_refuses_an_unknown_key(load):
    prices = "[[plans.alert.prices]]\nfrom = 2027-01-01\nnonsense = 1\n"
    mailboxes = "[[intake.imap]]\nnonsense = 1\n"
    keys = [mistake.key for mistake in wrong_in(load, SMALL + prices + mailboxes)]
    assert "plans.alert.prices[1].nonsense" in keys
    assert "intake.imap[1].nonsense" in keys


def test_an_unknown_key_far_from_any_lists_what_is_known(load):
    says = mistakes_in(load, SMALL + "[clock]\nqqqq = 5\n")["clock.qqqq"]
    assert says == "unknown key; known here: warn_at"


def test_two_price_lists_of_one_day_are_a_mistake(load):
    list_of_prices = '[[plans.alert.prices]]\nfrom = 2027-01-01\nmonthly_fee = "1.00"\n'
    wrong = mistakes_in(load, SMALL + list_of_prices * 2)
    assert "two price lists" in wrong["plans.alert.prices[1].from"]
    assert "plans.alert.prices[2].from" in wrong


def test_the_same_mailbox_twice_is_a_mistake(load):
    one = IMAP.replace("[intake.imap]", "[[intake.imap]]")
    assert "the same" in mistakes_in(load, SMALL + one + one)["intake.imap"]


def test_two_doors_at_one_address_are_a_mistake(load):
    doors = '[intake.lmtp]\nlisten = "127.0.0.1:25"\n[intake.smtp]\nlisten = "127.0.0.1:25"\n'
    assert "intake.smtp.listen" in mistakes_in(load, SMALL + doors)


def test_what_is_no_toml_is_told_with_its_line(load):
    assert "line 4" in mistakes_in(load, SMALL + "aliases = = 5\n")[""]


def test_what_is_no_utf8_is_told(tmp_path):
    file = tmp_path / "avtald.toml"
    file.write_bytes(b'[desk]\nname = "\xe5"\n')
    with pytest.raises(MistakesError, match="UTF-8"):
        config.load(file, {})


# --- whatever stands there ------------------------------------------------------------------------

VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.times(),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3)
    ),
    max_leaves=4,
)
PLACES = """
desk desk.name desk.aliases desk.go_live database calendar.closed calendar.half_days
calendar.half_days.x intake.imap intake.imap.oauth2 intake.lmtp outgoing identity priority.words
clock.warn_at accounting.fortnox accounting.first_month plans plans.alert plans.new
plans.alert.prices plans.alert.response_hours new
"""


@given(st.dictionaries(st.sampled_from(PLACES.split()), VALUES, min_size=1, max_size=4))
@settings_of_hypothesis(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_stands_in_the_file_the_settings_load_or_every_mistake_has_a_key(load, changes):
    tables = tomllib.loads(CONTRACT)
    for path, value in changes.items():
        *above, name = path.split(".")
        table = tables
        for part in above:
            table = table.get(part) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[name] = value
    wrong = wrong_in(load, toml.document(tables))
    assert all(mistake.key and mistake.says for mistake in wrong)


# --- plans -------------------------------------------------------------------------------------


def test_a_table_changes_one_plan_and_adds_another(load):
    text = SMALL + (
        '[plans.attend]\nmonthly_fee = "3100.00"\nreports = "none"\n'
        '[plans.gold]\nhourly_rate = "700.00"\nbank_hours = 2.5\nbank_period = "half-year"\n'
        'response_hours = { 1 = 0.5, 2 = "45m" }\nincrement = "15m"\noutside_rate = "1400.00"\n'
    )
    plans = load(text).plans
    attend, gold = plans["attend"].terms, plans["gold"].terms
    assert (attend.monthly_fee, attend.hourly_rate) == (Money(3100_00), Money(890_00))
    assert attend.reports is None
    assert (gold.plan_name, gold.bank_minutes, gold.increment) == ("gold", 150, 15)
    assert dict(gold.response) == {1: 30, 2: 45}
    assert gold.outside_rate == Money(1400_00)
    assert plans["alert"] == BUILT_IN["alert"]


def test_a_price_list_holds_from_its_day(load):
    text = SMALL + '[[plans.none.prices]]\nfrom = 2027-01-01\nhourly_rate = "1020.00"\n'
    plan = load(text).plans["none"]
    rates = [plan.terms_on(day).hourly_rate for day in (dt.date(2026, 12, 31), dt.date(2027, 1, 1))]
    assert rates == [Money(980_00), Money(1020_00)]


# --- which file --------------------------------------------------------------------------------


def test_the_file_is_the_given_one_else_the_environments_else_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "avtald.toml").touch()
    environ = {"AVTALD_CONFIG": "/srv/avtald.toml"}
    assert config.find(Path("/x.toml"), environ) == Path("/x.toml")
    assert config.find(None, environ) == Path("/srv/avtald.toml")
    assert config.find(None, {"AVTALD_CONFIG": ""}) == Path("avtald.toml")


def test_without_any_file_it_is_said_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "SYSTEM_FILE", tmp_path / "nowhere.toml")
    with pytest.raises(MistakesError, match="avtald init"):
        config.find(None, {})


# --- the file that init writes -------------------------------------------------------------------


def test_the_sample_loads_without_any_secret(tmp_path):
    file = tmp_path / "avtald.toml"
    file.write_text(settings_sample.sample(), encoding="utf-8")
    settings = config.load(file, {})
    file.write_text(SMALL, encoding="utf-8")
    assert settings == config.load(file, {})


def test_the_sample_loads_with_every_key_set_as_it_shows(load):
    """What stands behind "#" is no prose that went stale: each line is a value that is read."""
    whole = re.sub(r"^#(?=[\w\[])", "", settings_sample.sample(), flags=re.MULTILINE)
    settings = load(whole)
    assert settings.accounting.fortnox.tenant_id == 123456
    assert settings.intake.imap[0].oauth2.refresh_token == "secret of oauth2-refresh-token"


def test_the_sample_names_every_key_of_the_contract():
    sample = re.sub(r"^#(?=[\w\[])", "", settings_sample.sample(), flags=re.MULTILINE)

    def paths(table, above=()):
        for name, each in table.items():
            yield (*above, name)
            if isinstance(each, dict) and not (above and above[0] == "plans" and len(above) > 1):
                yield from paths(each, (*above, name))

    keys = set(paths(tomllib.loads(sample)))
    contract = set(paths(tomllib.loads(CONTRACT)))
    assert {key for key in contract if key[0] != "calendar" or len(key) < 3} <= keys


def test_no_line_of_the_sample_is_too_long_to_read():
    assert max(map(len, settings_sample.sample().splitlines())) <= 110
