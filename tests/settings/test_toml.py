"""What is written as TOML is read back as the same values, by another reader."""

import datetime as dt
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.settings import toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    TEXTS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.just(dt.UTC) | st.none())
)
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=6)


@given(DOCUMENTS, st.lists(TEXTS, max_size=2))
def test_any_document_is_read_back_as_it_was_written(document, inline):
    assert tomllib.loads(toml.document(document, inline=inline)) == document


@given(DOCUMENTS)
def test_a_key_may_be_written_inline(document):
    written = toml.document(document, inline=list(document))
    assert tomllib.loads(written) == document
    assert not any(line.startswith("[[") for line in written.splitlines())


def test_a_file_is_written_as_a_person_would():
    customers = [
        {"key": "acme", "contacts": [{"email": "bo@acme.se"}], "agreements": [{"plan": "alert"}]},
        {"key": "beta", "domains": ["a.se"]},
    ]
    assert toml.document({"customers": customers}, inline=["contacts"]) == (
        '[[customers]]\nkey = "acme"\ncontacts = [{ email = "bo@acme.se" }]\n\n'
        '[[customers.agreements]]\nplan = "alert"\n\n'
        '[[customers]]\nkey = "beta"\ndomains = ["a.se"]\n'
    )


def test_a_long_list_goes_over_several_lines():
    names = [f"person-{number}@example.se" for number in range(9)]
    written = toml.document({"aliases": names})
    assert max(map(len, written.splitlines())) < 80
    assert tomllib.loads(written) == {"aliases": names}


@pytest.mark.parametrize("nothing", [None, object(), b"bytes"])
def test_what_toml_has_nothing_for_is_refused(nothing):
    with pytest.raises(TypeError):
        toml.value(nothing)
