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
_C1 = re.compile(rb"[\x80-\x9f]")


def _whatwg_1252() -> str:
    """Give cp1252 with its five holes filled as browsers do: by the C1 control of that number."""
    table = bytes(range(256)).decode("cp1252", "replace")
    return "".join(chr(n) if char == "\ufffd" else char for n, char in enumerate(table))


_CP1252 = _whatwg_1252()


@lru_cache(maxsize=256)
def codec(declared: str) -> str | None:
    """Give Python's name of a declared charset, or None where it is unknown or not believed."""
    name = declared.strip().strip("\"'").strip().lower()
    if not name or len(name) > 40 or not name.isascii() or "\0" in name:
        return None
    if name in {"8bit", "7bit", "unicode", "x-user-defined"}:
        return None
    try:
        found = codecs.lookup(name.removeprefix("x-").removeprefix("cs")).name
    except (LookupError, ValueError):
        return None
    return found if found in _ALLOWED else None


def _cp1252(data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", _CP1252)[0]


def _ladder(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _cp1252(data)


def _by_declaration(data: bytes, name: str) -> str | None:
    if name in _TRUSTING:
        # valid utf-8 beyond Latin-1's letters is never an accident; C1 bytes mean cp1252
        return _ladder(data) if name == "ascii" or _C1.search(data) else _cp1252(data)
    try:
        return data.decode(name)
    except (UnicodeError, ValueError, OverflowError):
        return None


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode `data`: by the declared charset if that works, else utf-8, else cp1252.

    iso-8859-1 with bytes 0x80-0x9F is cp1252 (or utf-8, if it is that). Never raises; NUL and a
    byte order mark are dropped.
    """
    name = codec(declared) if declared else None
    if data.isascii() and name not in _SHIFTING:
        return data.decode("ascii").replace("\0", "")
    text = _by_declaration(data, name) if name else None
    if text is None:
        text = _ladder(data)
    return text.replace("\0", "").removeprefix("\ufeff")
