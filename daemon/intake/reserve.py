"""Disk space that incoming mail may not take: the work in hand needs it to be finished."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiskReserve:
    """Tells if a folder's disk has at least `reserve` bytes free."""

    folder: Path
    reserve: int

    def __call__(self) -> bool:
        """Ask the disk; a disk that gives no answer is no reason to refuse mail."""
        try:
            return shutil.disk_usage(self.folder).free >= self.reserve
        except OSError:
            return True
