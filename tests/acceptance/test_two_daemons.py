"""Two daemons share one PostgreSQL; one is killed, and the other takes its work over (R22)."""

import dataclasses

import pytest

from daemon.store.schema import tables
from tests.desk_process import Client, Place, a_place, acted_once, sink
from tests.servers import free_port, wait_for


def beside(place: Place, folder) -> Place:
    """A second daemon on the same database, with a door of its own."""
    folder.mkdir()
    other = dataclasses.replace(place, folder=folder, port=free_port(), process=None)
    for name in ("avtald.toml", "imap-password"):
        text = (place.folder / name).read_text().replace(f":{place.port}", f":{other.port}")
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    return other


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.long)])
def test_two_daemons_one_killed_half_way_each_mail_acts_once(tmp_path, pg_url, count):
    with sink() as out:
        one = a_place(tmp_path / "one", pg_url, out.port)
        two = beside(one, tmp_path / "two")
        both, clients = (one, two), []
        try:
            for place in both:
                place.start()
            for place in both:
                place.ready()
                clients.append(Client(place.port, most=count // 2))
                clients[-1].start()
            done = tables.inbox.c.state == "done"
            wait_for(
                lambda: one.count(tables.inbox, done) > count // 3,
                "half of it is done",
                seconds=600,
            )
            two.kill()
            clients[1].port = one.port  # as an MTA that knows both
            for client in clients:
                client.join(600)
            one.rest()
        finally:
            for place in both:
                assert place.stop() == 0
        names = [name for client in clients for name in client.mails.names]
        assert len(names) == count
        acted_once(one, out, names, sum(client.mails.timed for client in clients))
        tries = tables.inbox.c.attempts > 2
        assert one.count(tables.inbox, tries) == 0
        for place in both:
            place.store.close()
