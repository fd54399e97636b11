"""Lists of Fortnox, page after page (facts.md 3.2)."""

from collections.abc import Callable, Iterator
from typing import Any

from integrations.fortnox.errors import other_shape, reading
from integrations.fortnox.transport import Call

PAGE = 500  # the longest list that Fortnox gives

Send = Callable[[Call], Any]


def items(send: Send, path: str, name: str, **params: str) -> Iterator[dict[str, Any]]:
    """Every entry; one counted in the total and missing on all pages is an error, not "absent"."""
    what = f"läsa {path}"
    page, pages, total, seen = 1, 1, 0, 0
    while page <= pages:
        query = {**params, "limit": str(PAGE), "page": str(page)}
        answer = send(Call("GET", path, what, params=query))
        entries, pages, total = reading(what, _page_of, answer, name)
        seen += len(entries)
        page += 1
        yield from entries
    if seen < total:
        raise other_shape(what, f"{seen} av {total} poster kom")


def _page_of(answer: Any, name: str) -> tuple[list[dict[str, Any]], int, int]:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
        raise ValueError(f"no {name} in the answer")  # noqa: TRY004 - the same one error
    meta = answer.get("MetaInformation") or {}
    entries = [item for item in answer[name] if isinstance(item, dict)]
    return entries, int(meta.get("@TotalPages") or 1), int(meta.get("@TotalResources") or 0)
