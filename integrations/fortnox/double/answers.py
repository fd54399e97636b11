"""Answers of the Fortnox double, in their recorded shapes (facts.md 2.4, 3.2 and 5)."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: `dropped` closes the connection without one."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    dropped: bool = False


class RefusedError(Exception):
    """The request is refused with this answer, and nothing was changed."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer to give."""
        super().__init__(answer.status)
        self.answer = answer


def written(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; slashes are escaped, as in Fortnox."""
    text = json.dumps(body, ensure_ascii=False, default=_plain).replace("/", "\\/")
    return Answer(status, text.encode(), headers=headers)


def refused(code: int | None, message: str, status: int = 400) -> RefusedError:
    """A refusal in small letters, as for validation; `code` may be absent."""
    told: dict[str, Any] = {"error": 1, "message": message}
    if code is not None:
        told["code"] = code
    return RefusedError(written({"ErrorInformation": told}, status))


def missing(code: int, message: str) -> RefusedError:
    """A 404 for an entry of a register, in capitals."""
    told = {"Error": 1, "Message": message, "Code": code}
    return RefusedError(written({"ErrorInformation": told}, 404))


def unauthorized() -> Answer:
    """The answer to a bad or expired bearer: no ErrorInformation."""
    return written({"message": "unauthorized"}, 401)


def oauth_refusal(error: str, description: str, status: int, content_type: str) -> Answer:
    """JSON under another content type, as the token address answers."""
    body = json.dumps({"error": error, "error_description": description}).encode()
    return Answer(status, body, content_type)


def _plain(value: Any) -> Any:
    """A Decimal as the number Fortnox writes: 1590, not 1590.00."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{value!r} has no place in an answer")
