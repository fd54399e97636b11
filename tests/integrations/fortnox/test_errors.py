"""Every shape in which Fortnox or a gateway before it says no, and what that means (facts.md 5)."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.domain.invoice import Fault
from integrations.fortnox.errors import error_of, fault_of, read_refusal
from integrations.fortnox.transport import _hold_off

SMALL = '{"ErrorInformation":{"error":1,"message":"Ogiltigt land: X","code":2000919}}'
CAPITAL = '{"ErrorInformation":{"Error":1,"Message":"Kan inte hitta fakturan.","Code":2000434}}'


def refusal(status, body="", content_type="application/json"):
    content = body if isinstance(body, bytes) else body.encode()
    return read_refusal(
        httpx.Response(status, content=content, headers={"Content-Type": content_type})
    )


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=UTF-8", "x/y"])
@pytest.mark.parametrize(
    ("body", "code", "message", "told"),
    [
        (SMALL, 2000919, "Ogiltigt land: X", True),
        (CAPITAL, 2000434, "Kan inte hitta fakturan.", True),
        ('{"ERRORINFORMATION":{"CODE":"7"}}', 7, "", True),
        (
            '{"ErrorInformation":{"error":1,"message":"Värdet är för långt"}}',
            None,
            "Värdet är för långt",
            True,
        ),
        ('\ufeff{"message":"unauthorized"}', None, "unauthorized", False),
        (
            '{"error":"invalid_grant","error_description":"Used"}',
            None,
            "invalid_grant: Used",
            False,
        ),
        ("<html>Bad Gateway</html>", None, "HTTP 400 Bad Request", False),
        ("[1]", None, "HTTP 400", False),
        (b"\xff\xfe", None, "HTTP 400 Bad Request", False),
    ],
)
def test_each_shape_is_read_whatever_its_content_type(body, code, message, told, content_type):
    read = refusal(400, body, content_type)
    assert (read.code, read.message, read.told) == (code, message, told)


@pytest.mark.parametrize(
    ("status", "body", "write", "look"),
    [
        (500, "", Fault.UNCLEAR, Fault.TEMPORARY),
        (502, "<html>", Fault.UNCLEAR, Fault.TEMPORARY),
        (504, "", Fault.UNCLEAR, Fault.TEMPORARY),
        (408, "", Fault.UNCLEAR, Fault.TEMPORARY),
        (302, "", Fault.UNCLEAR, Fault.TEMPORARY),
        (418, "", Fault.UNCLEAR, Fault.TEMPORARY),
        (400, '{"ErrorInformation":{"code":1000003}}', Fault.UNCLEAR, Fault.TEMPORARY),
        (429, "", Fault.TEMPORARY, Fault.TEMPORARY),
        (401, '{"message":"unauthorized"}', Fault.ACCESS, Fault.ACCESS),
        (403, "<html>", Fault.ACCESS, Fault.ACCESS),
        (404, "<html>", Fault.ACCESS, Fault.ACCESS),
        (403, '{"ErrorInformation":{"code":2000310}}', Fault.ACCESS, Fault.ACCESS),
        (400, SMALL, Fault.REFUSED, Fault.REFUSED),
        (404, CAPITAL, Fault.REFUSED, Fault.REFUSED),
        (400, "", Fault.BUG, Fault.BUG),
        (413, "", Fault.BUG, Fault.BUG),
    ],
)
def test_a_status_means_another_thing_for_a_write_than_for_a_look(status, body, write, look):
    """facts.md 3.4: what may have been carried out is unclear, and never repeated blindly (I1)."""
    read = refusal(status, body)
    assert (fault_of(read, harmless=False), fault_of(read, harmless=True)) == (write, look)


@given(status=st.integers(300, 599), body=st.binary(max_size=200), harmless=st.booleans())
def test_whatever_comes_back_is_an_error_with_a_remedy(status, body, harmless):
    error = error_of(refusal(status, body), "skapa faktura", harmless=harmless)
    assert error.remedy
    assert str(error).startswith("Fortnox: skapa faktura: ")
    if harmless:
        assert error.fault is not Fault.UNCLEAR


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 5), ("1", 5), ("12", 12), ("9999", 60), ("soon", 5)]
)
def test_a_429_is_followed_by_at_least_five_seconds_of_silence(asked, seconds):
    """facts.md 3.1: no Retry-After is promised, and one is heard within reason."""
    headers = {} if asked is None else {"Retry-After": asked}
    assert _hold_off(httpx.Response(429, headers=headers)) == seconds
