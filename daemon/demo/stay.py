"""Staying up in real time: anybody may send the desk mail, and reads the answers here."""

import datetime as dt
import textwrap
import threading
from collections.abc import Iterator

import click

from daemon import parts
from daemon.demo import outgoing
from daemon.demo.catcher import Caught
from daemon.demo.play import Print
from daemon.demo.stage import Stage
from daemon.domain.agreement import in_force
from daemon.store import register

_HOW = """\
The desk stays up, on this machine's clock, with the doors and workers of `avtald run`.
It believes every From address here (identity.require = "none"): in earnest an engineer's mail
needs the border's proof, as in the samples. Mail it at 127.0.0.1:{door}, for example

  swaks --server 127.0.0.1:{door} --from bo.ek@nordhamn.example --to support@example.se \\
        --h-Subject 'Prio 2: The scanners lose contact' --body 'Since lunch.'

  mutt -f {caught} -e 'set smtp_url="smtp://127.0.0.1:{door}" ssl_starttls=no \\
        from=anna@example.se use_envelope_from=yes'      # reads what was caught, and answers it

  python3 - <<'END'
  import smtplib
  from email.message import EmailMessage
  mail = EmailMessage()
  mail["From"], mail["To"] = "cia@bergsag.example", "support@example.se"
  mail["Subject"], mail["Message-ID"] = "The report is empty", "<1@bergsag.example>"
  mail.set_content("Hello, the report is empty again.")
  smtplib.SMTP("127.0.0.1", {door}).send_message(mail)
  END

Write as:
{people}
Whatever the desk mails is printed here and kept in {caught} (a Maildir).
In another terminal:  avtald tickets --config {settings}
Ctrl-C ends it.
"""


def stay(stage: Stage, say: Print) -> None:
    """Run the desk until Ctrl-C or SIGTERM, and print every mail that goes out."""
    stage = stage.believing()
    now = _real_time()
    say(
        _HOW.format(
            door=stage.door_port, caught=stage.catcher.folder, settings=stage.settings_file,
            people="\n".join(_people(stage, now)),
        )
    )  # fmt: skip
    stage.catcher.on_mail = _Printer(stage, say)
    parts.supervisor(stage.desk, stage.mailer, stage.accounting, _real_time).run()
    say("stopped")


def _real_time() -> dt.datetime:
    """What the daemon's clock is (A4)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _people(stage: Stage, now: dt.datetime) -> Iterator[str]:
    """Who may write, and what each has today."""
    day = stage.desk.calendar.day_of(now)
    with stage.desk.store.reading() as tx:
        for account in register.load(tx).accounts:
            version = in_force(register.versions_of(tx, account.customer.id), day)
            plan = version.terms.plan_name if version else "no agreement"
            for contact in account.contacts:
                yield f"  {contact.email:<28} {account.customer.name}, {plan}"
        for person in register.people_with_role(tx, "engineer"):
            yield f"  {person.email:<28} engineer: reply to a notice, with tags as [tid: 1,5h]"


class _Printer:
    """Prints a mail when it is caught; its text once, whoever else gets it."""

    def __init__(self, stage: Stage, say: Print) -> None:
        self._stage = stage
        self._say = say
        self._shown: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, caught: Caught) -> None:
        (out,) = outgoing.read(self._stage.desk, [caught])
        with self._lock:
            self._say(click.style(f"→ {caught.recipient}  {out.name}: {out.subject}", bold=True))
            if out.message_id not in self._shown:
                self._shown.add(out.message_id)
                self._say(textwrap.indent(out.text.rstrip(), "  │ ", lambda _line: True) + "\n")
