"""Print what the parsers reach on the shared mail, beside what issue 3 asks for (`make corpus`)."""

import base64
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from parsers import automatic, body, bounce, identity, message, priority, tags
from tests.parsers import hostile_lines

MAIL = Path(__file__).resolve().parents[2] / "shared" / "mail"
MUTATED = 20_000
SLOW = 1.0  # seconds
HOSTILE = 5_000  # lines of one kind
QUICK = 20.0  # µs for a line of 80 characters, or a tag of HTML
AGAIN = ("new markup",)  # reads the same HTML several times, to be certain of every letter
FOLDERS = (
    "stalwart",
    "mikel-mail",
    "cpython",
    "django-mailbox",
    "roundup-inline",
    "flufl-bounce",
    "bounceparser",
)
REPLIES = ("email_reply_trimmer", "mail-parser-reply")
NO_MAIL = {"SOURCE.txt", "README.md"}


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    wanted: str
    reached: str
    met: bool


def rows(name: str) -> Iterator[dict]:
    with (MAIL / "oracles" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def raw_mail(folders: tuple[str, ...] = FOLDERS) -> list[bytes]:
    return [
        path.read_bytes()
        for folder in folders
        for path in sorted((MAIL / folder).rglob("*"))
        if path.is_file() and path.name not in NO_MAIL and "LICENSE" not in path.name
    ]


def whole_reading(raw: bytes) -> None:
    """Read all that the desk asks of one mail."""
    identity.identity(raw, delivery="bench")
    read = message.read(raw)
    parts = body.read_body(read, own_markers=("Skriv ditt svar ovanför denna rad",))
    tags.read_tags(parts.new)
    tags.read_tags(read.subject)
    priority.read_priority(read.subject, parts.new)
    automatic.judge(read, own_addresses=frozenset({"support@example.se"}), own_instance="bench")
    bounce.read_bounce(read)


def mutated(raws: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Damage real mail as networks, filters and attackers do: bytes, lines, cuts, splices."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(raws))
        for _ in range(chance.randint(1, 12)):
            mutate(chance, data, raws)
        yield bytes(data)


def mutate(chance: random.Random, data: bytearray, raws: list[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(7)
    if kind == 0:
        data[at : at + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
        del data[at : at + chance.randint(1, 200)]
    elif kind == 2:
        data[at:at] = chance.choice([b"\n", b"\r\n\r\n", b"--", b"=?", b"<", b'"', b"(", b"[tid: "])
    elif kind == 3:
        data[at:at] = data[at : at + 300] * chance.randint(1, 20)
    elif kind == 4:
        other = chance.choice(raws)
        start = chance.randrange(len(other) + 1)
        data[at:at] = other[start : start + 2000]
    elif kind == 5:
        del data[at:]
    else:
        data[at : at + 20] = bytes(chance.randrange(256) for _ in range(20))


def survival(raws: list[bytes], count: int) -> Figure:
    failed = slow = 0
    for raw in [*raws, *mutated(raws, count, seed=3)]:
        start = time.perf_counter()
        try:
            whole_reading(raw)
        except Exception as error:  # noqa: BLE001 what is counted here
            failed += 1
            print(f"  {type(error).__name__}: {error}", file=sys.stderr)
        slow += time.perf_counter() - start > SLOW
    what = f"exceptions, hangs over 1 s, on {len(raws)} raw mails and {count} mutated ones"
    return Figure(what, "0", f"{failed}, {slow}", failed + slow == 0)


def decode_cases() -> Figure:
    right = total = 0
    for row in rows("decode_cases"):
        read = message.read(base64.b64decode(row["raw_b64"]))
        found = {
            "text": (read.text or "").strip(),
            "subject": read.subject,
            "from": read.sender and read.sender.address,
            "att": read.attachments[0].name if read.attachments else None,
        }[row["field"]]
        total += 1
        right += found == row["expected"]
    return Figure("decode_cases", "20 of 20", f"{right} of {total}", right == total)


def decode_stalwart() -> Figure:
    right = total = 0
    for row in rows("decode_stalwart"):
        if row["oracle_has_replacement_char"]:
            continue
        read = message.read((MAIL / row["file"]).read_bytes())
        senders = [read.sender.address] if read.sender else []
        total += 1
        right += read.subject == row["subject"] and senders == row["from_"]
    what = "decode_stalwart subjects, senders"
    return Figure(what, "all but the marked rows", f"{right} of {total}", right == total)


def flat(text: str) -> str:
    return " ".join(text.split())


def swedish() -> list[Figure]:
    lost = counted = cut = exact = total = keeps = 0
    for row in rows("swedish_replies"):
        parts = body.split_text(row["text"])
        found = {flat(tag.raw) for tag in tags.read_tags(parts.new)}
        total += 1
        lost += "[tid: 1.5h]" not in found
        counted += "[tid: 9h]" in found
        exact += flat(parts.shown) == flat(row["expected"])
        if row["kind"] == "keep":
            keeps += 1
            cut += flat(parts.new) != flat(row["text"])
    return [
        Figure(
            f"swedish_replies ({total}): new tag lost / quoted tag counted",
            "0 / 0",
            f"{lost} / {counted}",
            lost + counted == 0,
        ),
        Figure(f"swedish_replies: keep rows ({keeps}) that were cut", "0", f"{cut}", cut == 0),
        Figure(f"swedish_replies ({total}): exact", "-", f"{exact}", True),
    ]


def reply_text() -> Figure:
    exact = total = 0
    for row in rows("reply_text"):
        total += 1
        exact += flat(body.split_text(row["text"]).shown) == flat(row["expected"])
    return Figure(f"reply_text ({total}): exact", "60", f"{exact}", exact >= 60)


def bounces() -> list[Figure]:
    found = {"bounce": 0, "ham": 0}
    total = {"bounce": 0, "ham": 0}
    for row in rows("bounce_labels"):
        if row["label"] not in total:
            continue
        read = message.read((MAIL / row["file"]).read_bytes())
        verdict = automatic.judge(read, own_addresses=frozenset(), own_instance="bench")
        total[row["label"]] += 1
        found[row["label"]] += verdict.kind == "bounce"
    share = {label: 100 * found[label] / total[label] for label in total}
    return [
        Figure(
            f"bounces found (of {total['bounce']})",
            ">= 97.5 %",
            f"{share['bounce']:.1f} %",
            share["bounce"] >= 97.5,
        ),
        Figure(
            f"ordinary mail called a bounce (of {total['ham']})",
            "<= 1 %",
            f"{share['ham']:.1f} %",
            share["ham"] <= 1,
        ),
    ]


def speed(raws: list[bytes]) -> Figure:
    def once() -> float:
        start = time.process_time()
        for raw in raws:
            whole_reading(raw)
        return time.process_time() - start

    rate = len(raws) / min(once() for _ in range(3))
    what = "speed, one core, whole reading of the corpus"
    return Figure(what, ">= 1500 mails/s", f"{rate:.0f} mails/s", rate >= 1500)


def hostile() -> Iterator[Figure]:
    """Measure the worst of every kind of line for each reader; the machine's load is left out."""
    texts = {kind: hostile_lines.text(kind, HOSTILE) for kind in hostile_lines.KINDS}
    worst = {
        name: max(
            (min(hostile_lines.cost(reader, text, QUICK / 2)), kind) for kind, text in texts.items()
        )
        for name, reader in hostile_lines.READERS.items()
    }
    for names, wanted in ((set(worst) - set(AGAIN), QUICK), (set(AGAIN), 3 * QUICK)):
        (took, kind), name = max((worst[name], name) for name in names)
        what = f"worst of {len(texts)} kinds of hostile line: {name}, {kind}"
        yield Figure(what, f"<= {wanted:.0f} µs a line", f"{took:.1f} µs", took <= wanted)


def figures(count: int) -> Iterator[Figure]:
    raws = raw_mail()
    yield survival([*raws, *raw_mail(REPLIES)], count)
    yield decode_cases()
    yield decode_stalwart()
    yield from swedish()
    yield reply_text()
    yield from bounces()
    yield speed(raws)
    yield from hostile()


def main(show: Callable[[str], None] = print) -> int:
    if not MAIL.exists():
        show(f"{MAIL}: the shared mail is not here")
        return 2
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MUTATED
    met = True
    for figure in figures(count):
        mark = "ok  " if figure.met else "MISS"
        met = met and figure.met
        show(f"{mark} {figure.what:<76} {figure.wanted:>24} {figure.reached:>16}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
