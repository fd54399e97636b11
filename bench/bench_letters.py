"""How many confirmations a second one core renders and composes: python bench/bench_letters.py."""

import datetime as dt
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_customers import Confirmation
from daemon.desk.outgoing import reply_ids
from daemon.desk.outgoing.compose import compose

ZONE = ZoneInfo("Europe/Stockholm")
AT = dt.datetime(2026, 11, 27, 15, 42, tzinfo=ZONE)
COUNT = 1_000
ROUNDS = 5


def confirmation(number):
    return Confirmation(
        desk_name="Exempel Support",
        number=number,
        subject=f"Skrivaren på lager {number} står still",
        name="Bo Ek",
        placed=True,
        level=2,
        stated=True,
        conflict=False,
        plan_name="Attend!",
        work_starts_by=AT,
        response_minutes=480,
        bank_left=270,
        rate=None,
    )


def rendered(number):
    return render(confirmation(number), "sv", ZONE)


def composed(letter, number):
    return compose(
        letter,
        message_id=reply_ids.make(b"k" * 32, number, f"confirmation:{number}", "example.se"),
        from_name="Exempel Support",
        from_address="support@example.se",
        to=[("Bo Ek", "bo@acme.se")],
        date=AT,
        instance="a1b2",
        automatic=True,
        subject_mark=number,
        in_reply_to="<a@acme.se>",
        references=["<a@acme.se>"],
    )


def by_the_library(letter, number):
    """The yardstick: the same mail by the standard library's builder."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Exempel Support <support@example.se>"
    mail["To"] = "Bo Ek <bo@acme.se>"
    mail["Subject"] = f"[#{number}] {letter.subject}"
    mail["Message-ID"] = f"<{number}@example.se>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail.as_bytes()


def best(work):
    """Calls a second of this process's own time, in the fastest of a few rounds."""
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for number in range(1, COUNT + 1):
            work(number)
        rates.append(COUNT / (time.process_time() - started))
    return max(rates)


def main():
    letter = rendered(1042)
    whole = best(lambda number: composed(rendered(number), number))
    print(f"render and compose   {whole:8,.0f}/s   (aim 1,500)")
    print(f"render               {best(rendered):8,.0f}/s")
    print(f"compose              {best(lambda number: composed(letter, number)):8,.0f}/s")
    print(f"standard library     {best(lambda number: by_the_library(letter, number)):8,.0f}/s")
    print(f"size of the mail     {len(composed(letter, 1042)):8,} bytes")


if __name__ == "__main__":
    main()
