"""The room on the disk that no incoming mail may take: what is in hand needs it to be finished."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiskReserve:
    """Whether a folder's disk has more than so many bytes free."""

    folder: Path
    reserve: int

    def __call__(self) -> bool:
        """Ask the disk; one that cannot be asked is no reason to refuse mail."""
        try:
            return shutil.disk_usage(self.folder).free >= self.reserve
        except OSError:
            return True
