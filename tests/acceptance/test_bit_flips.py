"""`avtald verify` finds a single turned bit wherever it lies in an SQLite file (R26)."""

import random
import secrets
from pathlib import Path

import pytest

from daemon.cli.main import run
from daemon.store.keeping.proofs import packing
from tests.builders import REGISTER, a_mail, an_engineers_mail

SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
operators = ["drift@example.se"]

[intake.lmtp]
listen = "127.0.0.1:2424"

[identity]
trusted_authserv_ids = ["mx.example.se"]

[accounting]
kind = "files"
finance = ["ekonomi@example.se"]
first_month = "2026-11"
"""
WORDS = ["skrivaren", "fakturan", "nätet", "står still", "långsamt", "ordern", "lagret", "kassan"]
SENDERS = [
    "Bo Ek <bo@acme.se>",
    "Cia By <cia@beta.se>",
    "Eve Dahl <eve@delta.se>",
    "Ö <o@nagon.se>",
]


def a_generated_desk(folder: Path, seed: int) -> Path:
    """A desk that the commands made: a register, mails, answers with time, a closed month."""
    chance = random.Random(seed)
    (folder / "avtald.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    command(folder, "import", folder / "register.toml")
    for n in range(chance.randint(1, 25)):
        text = "\n".join(" ".join(chance.choices(WORDS, k=9)) for _ in range(chance.randint(1, 60)))
        mail = a_mail(chance.choice(SENDERS), " ".join(chance.choices(WORDS, k=3)), text)
        receive(folder, mail, f"2026-11-{2 + n:02}T09:00:00+01:00")
        if chance.random() < 0.6:
            said = f"Nu går den.\n[tid: {chance.randint(5, 300)}m] [klar]\n"
            answer = an_engineers_mail(said, subject=f"SV: [#{1001 + n}]", message_id=f"<{n}@a>")
            receive(folder, answer, f"2026-11-{2 + n:02}T10:00:00+01:00")
    command(folder, "tick", "--now", "2026-12-01T08:00:00+01:00", expect=(0, 75))
    return folder / "var" / "avtald.db"


def receive(folder: Path, mail: bytes, at: str) -> None:
    (folder / "mail.eml").write_bytes(mail)
    command(folder, "receive", folder / "mail.eml", "--now", at)
    command(folder, "tick", "--now", at, expect=(0, 75))


def command(folder: Path, *words: object, expect: tuple[int, ...] = (0,)) -> int:
    code = run([*map(str, words), "--config", str(folder / "avtald.toml")])
    assert code in expect, words
    return code


def is_found(file: Path, whole: bytes, bit: int) -> bool:
    """Turn one bit of the file, ask `avtald verify`, and turn it back."""
    data = bytearray(whole)
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)
    try:
        return run(["verify", "--config", str(file.parent.parent / "avtald.toml")]) != 0
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize(
    "seed", [1, None, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 20))]
)
def test_38_of_40_random_bits_that_turn_are_found_R26(tmp_path, capsys, seed):
    seed = secrets.randbits(32) if seed is None else seed
    file = a_generated_desk(tmp_path, seed)
    whole = file.read_bytes()
    assert packing.is_packed(whole[:100])
    assert command(tmp_path, "verify") == 0
    chance = random.Random(seed)
    bits = [chance.randrange(len(whole) * 8) for _ in range(40)]
    missed = [(bit // 8, bit % 8) for bit in bits if not is_found(file, whole, bit)]
    capsys.readouterr()
    assert len(missed) <= 2, (seed, missed)
