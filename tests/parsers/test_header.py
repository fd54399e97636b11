"""Header fields: where a block ends, folding, encoded words, and parameters of RFC 2231."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import header


@pytest.mark.parametrize(
    ("raw", "block", "body"),
    [
        (b"A: 1\r\n\r\nx", b"A: 1\r\n", b"x"),
        (b"A: 1\n\nx", b"A: 1\n", b"x"),
        (b"A: 1\n\r\nx", b"A: 1\n", b"x"),
        (b"\r\nx", b"", b"x"),
        (b"\nx", b"", b"x"),
        (b"A: 1", b"A: 1", b""),
        (b"", b"", b""),
    ],
)
def test_the_block_ends_at_the_first_empty_line(raw, block, body):
    end, start = header.split(raw, 1000)
    assert (raw[:end], raw[start:]) == (block, body)


def test_no_empty_line_is_looked_for_beyond_the_limit():
    """notes/reliability.md 8: limits before any parsing."""
    raw = b"A: " + b"x" * 100 + b"\n\nbody"
    assert header.split(raw, 50) == (50, 50)


@pytest.mark.parametrize(
    ("block", "fields", "clean"),
    [
        (b"A: 1\r\n B\r\nC : 2\r\n", [("A", b" 1\n B"), ("C", b" 2")], True),
        (b"From x@y Mon\r\nA: 1\r\n", [("A", b" 1")], True),
        (b"A: 1\r\nrubbish\r\nSubject: x\r\n", [("A", b" 1"), ("Subject", b" x")], False),
        (b"A: 1\r\nrubbish\r\nmore\r\n", [("A", b" 1")], False),
        (b" folded first\r\nSubject: 1\r\n", [("Subject", b" 1")], False),
        (b" folded first\r\nA: 1\r\n", [], False),
        (b"A:\r\n", [("A", b"")], True),
        (b"A: 1\rB: 2\r\n", [("A", b" 1 B: 2")], True),
    ],
)
def test_lines_become_fields_and_what_is_none_is_told(block, fields, clean):
    """A bare CR ends no line: it must not make a field that nobody signed (D1)."""
    found, _, is_clean = header.fields(block)
    unfolded = [(name, header.unfold(value)) for name, value in found]
    assert unfolded == [(name, header.unfold(value)) for name, value in fields]
    assert is_clean is clean


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?Sm=C3=B6rg=C3?= =?utf-8?Q?=A5s?=", "Smörgås"),
        ("=?UTF-8?B?w6U=?=\r\n =?UTF-8?B?w6Q=?=", "åä"),
        ("=?iso-8859-1?Q?=E5?= =?utf-8?Q?=C3=B6?=", "åö"),
        ("=?utf-8?Q?a_b?= c", "a b c"),
        ("Re:=?utf-8?Q?=C3=85?=", "Re:Å"),
        ("=?utf-8?q?a b?=", "a b"),
        ("=?utf-8*sv?Q?hej?=", "hej"),
        ("=?utf-8?Q??= x", "x"),
        ("=?utf-8?Q?hej", "=?utf-8?Q?hej"),
        ("=?utf-8?x?hej?=", "=?utf-8?x?hej?="),
        ("=?okänd?Q?=E5?=", "å"),
        ("=?windows-1252?Q?=93x=94?=", "“x”"),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?Q?=ZZ?=", "=ZZ"),
        ("a = b ?= c", "a = b ?= c"),
        ("=?utf-8?Q?=F0=9F=98?= =?utf-8?Q?=80?=", "😀"),
        ("=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?Q?a?=   =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"),
    ],
)
def test_encoded_words_are_read_however_they_were_cut(value, text):
    """RFC 2047, and what clients make of it."""
    assert header.decode_words(value) == text


@given(
    st.text("abcåäö日本😀 ", min_size=1, max_size=40), st.integers(1, 12), st.sampled_from("BbQq")
)
def test_a_text_that_is_cut_into_words_at_any_byte_is_whole_again(text, size, kind):
    data = text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    if kind in "Bb":
        encoded = [base64.b64encode(piece).decode() for piece in pieces]
    else:
        encoded = [
            quopri.encodestring(piece, header=True).decode().replace("?", "=3F").replace("=\n", "")
            for piece in pieces
        ]
    words = "\r\n ".join(f"=?utf-8?{kind}?{piece}?=" for piece in encoded)
    assert "".join(header.decode_words(words).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        ('text/plain; charset="utf-8"', "text/plain", {"charset": "utf-8"}),
        ("TEXT/Plain;CHARSET=utf-8;", "text/plain", {"charset": "utf-8"}),
        ('a/b; x="a;b\\"c"; y=2', "a/b", {"x": 'a;b"c', "y": "2"}),
        ("a/b; x=1; x=2", "a/b", {"x": "1"}),
        ("a/b; x = 1", "a/b", {"x": "1"}),
        ("a/b; x", "a/b", {}),
        ('a/b; x="open', "a/b", {"x": "open"}),
        ("a/b; f*=utf-8''r%C3%A4k.pdf", "a/b", {"f": "räk.pdf"}),
        ("a/b; f*0*=utf-8'sv'r%C3; f*1*=%A4k; f*2=.pdf", "a/b", {"f": "räk.pdf"}),
        ("a/b; f*1=b; f*0=a; f*3=d", "a/b", {"f": "ab"}),
        ("a/b; f*=iso-8859-1''%E5; f=plain", "a/b", {"f": "å"}),
        ('a/b; f="=?utf-8?Q?=C3=A5?="', "a/b", {"f": "å"}),
        ("a/b; f*=okänd''%E5", "a/b", {"f": "å"}),
        ("", "", {}),
    ],
)
def test_parameters_are_joined_and_decoded(value, kind, found):
    """RFC 2045, RFC 2231."""
    assert header.parameters(value, 20) == (kind, found, False)


def test_too_many_parameters_are_told_and_not_read():
    """notes/reliability.md 8: 10,000 parameters cost seconds elsewhere."""
    many = "a/b" + "".join(f"; x{n}=1" for n in range(10_000))
    kind, found, excessive = header.parameters(many, 20)
    assert (kind, len(found), excessive) == ("a/b", 20, True)


@given(st.binary(max_size=60), st.integers(0, 3), st.integers(0, 5))
def test_base64_is_decoded_as_far_as_it_goes(data, cut, rubbish):
    """Unpadded, cut, and with rubbish in it."""
    encoded = base64.b64encode(data).rstrip(b"=")
    assert header.base64(encoded) == data
    dirty = encoded[:4] + b"!\r\n " * rubbish + encoded[4:]
    assert header.base64(dirty) == data
    kept = header.base64(encoded[: len(encoded) - cut])
    assert data.startswith(kept)
    assert len(data) - len(kept) <= cut + 1
