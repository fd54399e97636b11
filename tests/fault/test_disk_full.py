"""A full disk refuses mail for now, and nothing is lost (B1, R20)."""

import contextlib
import os
import shutil
import smtplib
import subprocess

from tests.builders import a_mail
from tests.desk_process import a_place, acted_once, sink
from tests.servers import wait_for

SIZE = 3 * 1024**2


@contextlib.contextmanager
def small_disk(folder):
    """A disk of three megabytes; None where we may mount none (then file sizes are limited)."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def answer(port, name):
    """What the door says to a mail of half a megabyte, and an LMTP client makes of it."""
    text = "skrivaren står still " * 25_000
    raw = a_mail(f"Bo <{name}>", "Skrivaren", text, message_id=f"<{name}>")
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=60) as client:
            client.sendmail(name, ["support@example.se"], raw)
    except smtplib.SMTPSenderRefused as refused:
        return refused.smtp_code
    except smtplib.SMTPDataError as refused:
        return refused.smtp_code
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    return 250


def test_a_full_disk_says_try_again_and_all_mail_arrives_once_there_is_room(
    tmp_path, sqlite_template
):
    with sink() as out, small_disk(tmp_path / "disk") as disk:
        home = disk or tmp_path
        shutil.copyfile(sqlite_template, home / "avtald.db")
        if disk:
            (disk / "ballast").write_bytes(b"x" * (1024**2))
        place = a_place(tmp_path / "desk", f"sqlite:///{home}/avtald.db", out.port)
        place.start(limit=None if disk else ["prlimit", f"--fsize={2 * 1024**2}:"])
        try:
            place.ready()
            names, refused = [], []
            while len(refused) < 2:
                names.append(f"kund{len(names)}@acme.se")
                code = answer(place.port, names[-1])
                assert code in {250, 451, 452}
                if code != 250:
                    refused.append(names[-1])
                assert len(names) < 12
            if disk:
                subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
                (disk / "ballast").unlink()
            else:
                limit = ["prlimit", "--pid", str(place.process.pid), "--fsize=unlimited:"]
                subprocess.run(limit, check=True)
            for name in refused:
                wait_for(lambda name=name: answer(place.port, name) == 250, "taken again")
            wait_for(place.at_rest, "everything is done")
        finally:
            assert place.stop() == 0
        acted_once(place, out, names, 0)
        place.store.close()
