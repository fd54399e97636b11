"""Drives django-helpdesk over the same mails, in an environment of its own (see bench_intake.py).

`python peer_helpdesk.py FOLDER SINK_PORT DATABASE` prints seconds, mails, statements and memory;
the database is a file, or the `postgresql://user@host:port/name` of an empty one.
"""

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

urlpatterns: list[object] = []  # Django asks this module for them


def engine(database: str) -> dict[str, object]:
    """What Django wants to know of a database."""
    if "://" not in database:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": database}
    url = urlsplit(database)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.hostname,
        "PORT": url.port,
    }


def main() -> None:
    folder, port, database = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench",
        DATABASES={"default": engine(database)},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.humanize",
            "django.contrib.messages",
            "django.contrib.admin",
            "rest_framework",
            "helpdesk",
        ],
        ROOT_URLCONF="__main__",
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        MEDIA_ROOT=str(folder.parent / "media"),
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        SITE_ID=1,
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        HELPDESK_TEAMS_MODE_ENABLED=False,
        VALID_EXTENSIONS=[".txt", ".html", ".png", ".pdf"],
    )
    django.setup()
    from django.urls import include, path

    urlpatterns.append(path("", include("helpdesk.urls", namespace="helpdesk")))
    from django.core.management import call_command
    from django.db import connection
    from helpdesk.email import process_email
    from helpdesk.models import Queue, Ticket

    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    Queue.objects.create(
        title="Support",
        slug="support",
        email_address="support@example.se",
        allow_email_submission=True,
        email_box_type="local",
        email_box_local_dir=f"{folder}/",
        new_ticket_cc="anna@example.se",
        enable_notifications_on_email_events=True,
        locale="en",
        logging_type="none",
    )
    many = len(list(folder.iterdir()))
    statements = 0

    def count(execute, *rest):
        nonlocal statements
        statements += 1
        return execute(*rest)

    with connection.execute_wrapper(count):
        started, spent = time.monotonic(), time.process_time()
        process_email(quiet=True)
        seconds, spent = time.monotonic() - started, time.process_time() - spent
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    found = {
        "seconds": seconds,
        "mails": many,
        "tickets": Ticket.objects.count(),
        "cpu_ms": spent / many * 1000,
        "statements": statements / many,
        "memory_mb": int(peak) / 1024,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
