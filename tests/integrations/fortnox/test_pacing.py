"""At most 24 requests in any 5 s, evenly spread, and not a second wasted (facts.md 3.1)."""

import multiprocessing
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.store.request_line import RequestLine
from daemon.store.session import open_store
from integrations.fortnox.double.server import LIMIT, WINDOW
from integrations.fortnox.pacing import LONGEST, EvenPacer, MemoryLine


def busiest(times, window=WINDOW):
    """The greatest number of starts in any closed window: the naive count, from each start."""
    return max(sum(first <= other <= first + window for other in times) for first in times)


@settings(max_examples=60)
@given(st.lists(st.floats(0, 8), min_size=30, max_size=120))
def test_whatever_the_pauses_no_window_has_more_than_24_starts(pauses):
    seconds = [0.0]

    def sleep(wait):
        seconds[0] += wait

    pacer = EvenPacer(clock=lambda: seconds[0], sleep=sleep)
    starts = []
    for pause in pauses:
        pacer.wait_turn()
        starts.append(seconds[0])
        seconds[0] += pause if pause > 4 else 0
    assert busiest(starts) <= 24


def test_500_statements_stay_inside_the_limit_and_near_its_own_bound(
    client, double, a_draft, played
):
    """Issue 8: never over 25 in 5 s, time within 10 % of the bound, at most 3 requests each."""
    drafts = [a_draft(key=f"kund-{number}") for number in range(500)]
    client.preflight(drafts)
    for draft in drafts:
        assert not client.find(draft.reference)
        client.create(draft)
    requests = len(double.times)
    assert busiest(double.times) <= 24
    assert requests <= 3 * len(drafts)
    assert played.seconds <= 1.1 * (requests / LIMIT * WINDOW)
    assert len({one["ExternalInvoiceReference1"] for one in double.invoices}) == 500


class Impatient:
    """A pacer that lets everybody go at once."""

    def wait_turn(self):
        pass

    def hold_off(self, seconds):
        pass


def test_the_double_turns_away_whoever_does_not_pace(a_client, double):
    """facts.md 9.6: without the pacer there is a 429, so the test above can fail."""
    client = a_client(pacer=Impatient())
    for number in range(LIMIT):
        client.read(str(number + 1))
    assert 429 not in double.statuses
    client.read("1")
    assert 429 in double.statuses


def test_threads_share_one_line(played):
    lock = threading.Lock()
    starts = []

    def sleep(wait):
        with lock:
            played.seconds += wait

    pacer = EvenPacer(clock=played.ticks, sleep=sleep)

    def work():
        for _ in range(20):
            pacer.wait_turn()
            with lock:
                starts.append(played.seconds)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 80
    assert played.seconds >= 79 * 0.209 - 1e-6


def test_a_hold_off_delays_everybody_but_never_shortens_a_wait(played):
    pacer = EvenPacer(clock=played.ticks, sleep=played.sleep)
    pacer.wait_turn()
    pacer.hold_off(5)
    pacer.hold_off(1)
    pacer.wait_turn()
    assert played.seconds == pytest.approx(5)


@pytest.fixture(params=["memory", "database"])
def line(request):
    if request.param == "database":
        return RequestLine(request.getfixturevalue("store"), "fortnox")
    return MemoryLine()


def test_a_line_gives_each_place_once(line):
    places = [line.take(100.0, 0.25) for _ in range(4)]
    assert places == [100.0, 100.25, 100.5, 100.75]
    line.push(200.0, 100.0)
    assert line.take(100.0, 0.25) == 200.0
    assert line.take(300.0, 0.25) == 300.0


def test_a_clock_that_was_set_back_does_not_stop_the_line(line):
    line.take(1_000_000.0, 0.25)
    assert line.take(1000.0, 0.25) == 1000.0
    assert line.take(1000.0, 0.25) == 1000.25
    line.push(1000.0 + LONGEST, 1000.0)
    assert line.take(1000.0, 0.25) == 1000.0 + LONGEST


def wait_for_turns(url, count, queue):
    pacer = EvenPacer(RequestLine(open_store(url), "fortnox"))
    starts = []
    for _ in range(count):
        pacer.wait_turn()
        starts.append(time.time())
    queue.put(starts)


def test_processes_share_the_database_s_line_in_real_time(any_url):
    """Issue 8: at most 24 requests in any 5 s per tenant, whatever clock a process has."""
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    both = [spawn.Process(target=wait_for_turns, args=(any_url, 8, queue)) for _ in "ab"]
    for process in both:
        process.start()
    starts = sorted(queue.get() + queue.get())
    for process in both:
        process.join()
    assert starts[-1] - starts[0] >= 15 * 0.209 - 0.05
    assert all(late - early > 0.1 for early, late in pairwise(starts))


def test_a_server_s_clock_counts_and_not_the_machine_s(pg_store):
    """Two machines whose clocks differ by an hour wait in one line all the same."""
    line = RequestLine(pg_store, "fortnox")
    first = line.take(1_000_000.0, 0.5) - 1_000_000.0
    second = line.take(1_003_600.0, 0.5) - 1_003_600.0
    assert (first, second) == (pytest.approx(0, abs=0.1), pytest.approx(0.5, abs=0.4))
    line.push(1_000_005.0, 1_000_000.0)
    assert line.take(1_003_600.0, 0.5) - 1_003_600.0 == pytest.approx(5, abs=0.5)
