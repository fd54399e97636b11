"""Staying up in real time: anybody may mail the desk and read its answers here."""

import datetime as dt
import textwrap
import threading
from collections.abc import Iterator

import click

from daemon.app import steps
from daemon.demo import outgoing
from daemon.demo.catcher import Caught
from daemon.demo.play import Print
from daemon.demo.stage import Stage
from daemon.domain.agreement import in_force
from daemon.store.money import register
from daemon.store.tickets import tickets

_HOW = """\

The desk stays up, on this machine's clock, with the door and the workers of `avtald run`. It
believes every From address here (identity.require = "none"); in earnest an engineer's mail needs
proof, as the samples had it. Write to it at 127.0.0.1:{door}, as a customer and then as an engineer
(with the number of your ticket):

  swaks --server 127.0.0.1:{door} --from bo.ek@nordhamn.example --to support@example.se \\
    --h-Subject 'Prio 2: The scanners lose contact' --body 'Since lunch.'
  swaks --server 127.0.0.1:{door} --from anna@example.se --to support@example.se \\
    --h-Subject 'Re: [#{number}]' --body 'A cable was loose. [tid: 1,5h] [klar]'

or with Python:

  python3 - <<'END'
  import smtplib
  from email.message import EmailMessage
  mail = EmailMessage()
  mail["From"], mail["To"] = "grace@bluewater.example", "support@example.se"
  mail["Subject"] = "The report is empty"
  mail.set_content("Priority: 4\\n\\nHello, the report is empty again.")
  with smtplib.SMTP("127.0.0.1", {door}) as smtp:
      smtp.send_message(mail)
  END

or with mutt, which also reads what was caught and answers it:

  mutt -f {caught} -e 'set from=anna@example.se use_envelope_from=yes ssl_starttls=no' \\
    -e 'set smtp_url=smtp://127.0.0.1:{door}'

You may be
{people}

Every mail of the desk is printed here and kept in {caught} (a Maildir).
Elsewhere: avtald tickets --config {settings}
Ctrl-C ends it.
"""


def stay(stage: Stage, say: Print) -> None:
    """Run the desk until Ctrl-C or SIGTERM, and print every mail it sends."""
    stage = stage.believing()
    now = _real_time()
    say(
        _HOW.format(
            door=stage.door_port,
            caught=stage.catcher.folder,
            settings=stage.settings_file,
            people="\n".join(_people(stage, now)),
            number=_next_ticket(stage),
        )
    )
    stage.catcher.on_mail = _Printer(stage, say)
    steps.supervisor(stage.desk, stage.sending, stage.accounting, _real_time).run()
    say("stopped")


def _real_time() -> dt.datetime:
    """The clock of the daemon (A4)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _next_ticket(stage: Stage) -> int:
    """The number of the first mail's ticket."""
    with stage.desk.store.reading() as tx:
        return max(ticket.number for ticket in tickets.listing(tx)) + 1


def _people(stage: Stage, now: dt.datetime) -> Iterator[str]:
    """The people to write as, each with the plan of today."""
    day = stage.desk.calendar.day_of(now)
    with stage.desk.store.reading() as tx:
        for account in register.load(tx).accounts:
            version = in_force(register.versions_of(tx, account.customer.id), day)
            plan = version.terms.plan_name if version else "no agreement"
            for contact in account.contacts:
                yield f"  {contact.email:<28} {account.customer.name}, {plan}"
        for person in register.people_with_role(tx, "engineer"):
            yield f"  {person.email:<28} engineer"


class _Printer:
    """Prints every caught mail; its text once, at the first recipient."""

    def __init__(self, stage: Stage, say: Print) -> None:
        self._stage = stage
        self._say = say
        self._shown: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, caught: Caught) -> None:
        (out,) = outgoing.sent_mails(self._stage.desk, [caught])
        with self._lock:
            self._say(click.style(f"→ {caught.recipient}  {out.name}: {out.subject}", bold=True))
            if out.message_id not in self._shown:
                self._shown.add(out.message_id)
                self._say(textwrap.indent(out.text.rstrip(), "  │ ", lambda _line: True) + "\n")
