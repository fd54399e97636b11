"""Turn bytes of an unsure charset into text, without ever failing."""

import codecs
import re
from functools import lru_cache

# Only these are believed (notes/reliability.md 8): `undefined`, `idna`, `rot13`, `bz2` and the
# like raise, or are no charsets at all. Whatever a text was encoded in, it is decoded before
# anything is looked for in it.
_EUROPEAN = ["utf-8", "utf-7", "ascii", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u"]
_ASIAN = ["gb2312", "gbk", "gb18030", "big5", "euc_jp", "euc_kr", "iso2022_jp", "iso2022_kr"]
_ASIAN += ["shift_jis", "cp932", "cp949", "cp874", "tis-620"]
_OLD = ["cp437", "cp850", "cp865", "mac-roman"] + [f"cp125{n}" for n in range(9)]
_ISO = [f"iso8859-{n}" for n in range(1, 17) if n != 12]
_ALLOWED = frozenset(_EUROPEAN + _ASIAN + _OLD + _ISO)
_TRUSTING = frozenset({"iso8859-1", "ascii", "cp1252"})  # never prove themselves wrong
_SHIFTING = frozenset({"utf-7", "utf-16", "utf-16-le", "utf-16-be", "iso2022_jp", "iso2022_kr"})
_UTF8_LETTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_LOOKED_AT = 2 * 1024 * 1024  # more is no text that anybody reads
_FEW = 1000
_BEYOND_ASCII = bytes(range(0x80, 0x100))


def _whatwg_1252() -> str:
    """Give cp1252 with its five holes filled as in browsers: by the C1 control of the number."""
    table = bytes(range(256)).decode("cp1252", "replace")
    return "".join(chr(n) if char == "\ufffd" else char for n, char in enumerate(table))


_CP1252 = _whatwg_1252()


@lru_cache(maxsize=256)
def codec(declared: str) -> str | None:
    """Give Python's name of a declared charset, or None if it is unknown or not believed."""
    name = declared.strip().strip("\"'").strip().lower()
    if not name or len(name) > 40 or not name.isascii() or "\0" in name:
        return None
    if name in {"8bit", "7bit", "unicode", "x-user-defined"}:
        return None
    try:
        known = codecs.lookup(name.removeprefix("x-").removeprefix("cs")).name
    except (LookupError, ValueError):
        return None
    return known if known in _ALLOWED else None


def _cp1252(data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", _CP1252)[0]


def _foreign_byte(error: UnicodeError) -> tuple[str, int]:
    """Read one byte outside utf-8 as cp1252 (an error handler of the codecs module)."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101  it is registered for decoding only
    at = error.start
    return _cp1252(error.object[at : at + 1]), at + 1


codecs.register_error("parsers.cp1252", _foreign_byte)


def _ladder(data: bytes) -> str:
    """Decode as utf-8, also with a few foreign bytes or cut inside a letter; else as cp1252."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _mixed(data) if _UTF8_LETTER.search(data) else _cp1252(data)


def _mixed(data: bytes) -> str:
    """Decode a text of two charsets as utf-8 if nearly all its letters beyond ASCII are utf-8."""
    rest, letters = _UTF8_LETTER.subn(b"", data[:_LOOKED_AT])
    foreign = len(rest) - len(rest.translate(None, _BEYOND_ASCII))
    few = foreign < min(letters, _FEW) and len(data) <= _LOOKED_AT
    return data.decode("utf-8", "parsers.cp1252") if few else _cp1252(data)


def _by_declaration(data: bytes, name: str) -> str | None:
    if name in _TRUSTING:
        return _ladder(data)  # they take any byte: what is valid utf-8 was never written in them
    try:
        return data.decode(name)
    except (UnicodeError, ValueError, OverflowError):
        return None


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode `data`: by the declared charset if that works, else utf-8, else cp1252.

    iso-8859-1 is read as cp1252, or as utf-8 if its bytes are valid utf-8. A few bytes outside
    utf-8 are read as cp1252: a text cut inside a letter stays readable. Never raises; NUL and a
    byte order mark are dropped.
    """
    name = codec(declared) if declared else None
    if data.isascii() and name not in _SHIFTING:
        return data.decode("ascii").replace("\0", "")
    text = _by_declaration(data, name) if name else None
    if text is None:
        text = _ladder(data)
    return text.replace("\0", "").removeprefix("\ufeff")
