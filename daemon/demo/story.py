"""The story of the demonstration, from `samples/story.toml`: its mails, and the drafts to come."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from daemon.demo.stage import SAMPLES

MONTH: Final = "2026-11"
OPENS: Final = "2026-11-01 00:00"  # the register is imported
CLOSES: Final = "2026-12-01 00:00"  # the end of the month, in the desk's zone (H1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A mail to the SMTP door at an instant, written in the desk's wall time.

    `says` are texts that must stand in the mails it causes, or in the lines printed about it.
    """

    at: str
    sample: str
    about: str
    says: tuple[str, ...]


def _scene(table: Mapping[str, Any]) -> Scene:
    return Scene(table["at"], table["sample"], table["about"], tuple(table.get("says", ())))


_STORY: Final = tomllib.loads((SAMPLES / "story.toml").read_text(encoding="utf-8"))
SCENES: Final = tuple(_scene(table) for table in _STORY["scenes"])
NETS: Final[Mapping[str, str]] = _STORY["nets"]  # by reference
