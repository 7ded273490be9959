"""The ways in which one text can be read: as it stands, and as a model would decode it. Pure.

An attack is written so that a pattern misses it and a model does not: in look-alike letters,
invisible characters, base64. Rules are matched against every reading. Each decoder first asks a
linear pattern whether there is anything to decode, so that plain text costs next to nothing.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import re2

DEEPEST = 2
LEAST_DECODED = 8
# Of what a decoder gives, this share must be printable: else it was no text.
LEAST_PRINTABLE = 0.9
MOST_PIECES = 50

_BASE64 = re2.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re2.compile(r"(?:[0-9a-fA-F]{2}[ :]?){10,}")
_URL = re2.compile(r"%[0-9a-fA-F]{2}")
_ENTITIES = re2.compile(r"&(?:#\d{2,7}|#x[0-9a-fA-F]{2,6}|lt|gt|quot|amp);")
_ESCAPES = re2.compile(r"\\[ux][0-9a-fA-F]{2}")
_LEET = re2.compile(r"[A-Za-z][013457@$][A-Za-z]|[A-Za-z][013457@$]{2}[A-Za-z]")
_SPACED = re2.compile(r"(?:[A-Za-z][ .*_-]{1,3}){8,}")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_LATIN_ACCENTS = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
_BETWEEN_LETTERS = re.compile(r"(?<=\b[A-Za-z])[ .*_-](?=[A-Za-z]\b)")
_LEET_LETTERS = str.maketrans("013457@$", "oieastas")
# Letters of other scripts that look like Latin ones.
_LOOK_ALIKES = str.maketrans(
    "абвгеёзіїјкмнопрстухѕԁԛԝАВЕЗІЈКМНОРСТУХЅαβεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "a6breeziijkmhonpctyxsdqwABE3IJKMHOPCTYXSabeikvoptuxABEZHIKMNOPTYX",
)


@dataclass(frozen=True)
class Reading:
    """A text, and how it was got: empty as it stands, else “base64” and kin."""

    text: str
    how: str = ""


def readings(text: str) -> list[Reading]:
    """Every reading of it, the plain one first; the same text never twice."""
    return list(_distinct(_read(text, "", DEEPEST)))


def _distinct(found: Iterator[Reading]) -> Iterator[Reading]:
    seen: set[str] = set()
    for one in found:
        if one.text not in seen:
            seen.add(one.text)
            yield one


def _read(text: str, how: str, depth: int) -> Iterator[Reading]:
    plain = folded(text)
    yield Reading(plain, how)
    if not plain.isascii():
        yield Reading(plain.translate(_LOOK_ALIKES), _named(how, "look-alike letters"))
    for name, decode in _REWRITERS.items():
        if (other := decode(plain)) != plain:
            yield Reading(other, _named(how, name))
    if depth:
        for name, piece in _decoded(text):
            yield from _read(piece, _named(how, name), depth - 1)


def _named(how: str, name: str) -> str:
    return f"{how}, {name}" if how else name


def folded(text: str) -> str:
    """Without accents on Latin letters, wide forms and invisible characters."""
    if text.isascii():
        return text
    known = text.encode("utf-8", "replace").decode()
    visible = _INVISIBLE.sub("", _TAGS.sub(_untagged, known))
    apart = unicodedata.normalize("NFKD", visible)
    return unicodedata.normalize("NFC", _LATIN_ACCENTS.sub("", apart))


def _untagged(found: re.Match[str]) -> str:
    """Tag characters are ASCII that no screen shows and every model reads."""
    return "".join(chr(ord(one) - 0xE0000) for one in found[0])


def _unleeted(text: str) -> str:
    return text.translate(_LEET_LETTERS) if _LEET.search(text) else text


def _unspaced(text: str) -> str:
    """“i g n o r e   m e” as “ignore me”: two or more blanks are between words."""
    if not _SPACED.search(text):
        return text
    return re.sub(r"[ ]{2,}", " ", _BETWEEN_LETTERS.sub("", text))


def _unrotated(text: str) -> str:
    return codecs.encode(text, "rot13")


def _unescaped(text: str) -> str:
    found = html.unescape(text) if _ENTITIES.search(text) else text
    return unquote(found, errors="replace") if _URL.search(found) else found


_REWRITERS: dict[str, Callable[[str], str]] = {
    "leetspeak": _unleeted,
    "spaced letters": _unspaced,
    "rot13": _unrotated,
    "backwards": lambda text: text[::-1],
    "escapes": _unescaped,
}


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    for name, pattern, decode in (
        ("base64", _BASE64, _from_base64),
        ("hexadecimal", _HEX, _from_hex),
    ):
        for number, found in enumerate(pattern.finditer(text)):
            if number == MOST_PIECES:
                break
            if piece := _as_text(decode(found[0])):
                yield name, piece
    if _ESCAPES.search(text) and (other := _from_escapes(text)) != text:
        yield "escapes", other


def _from_base64(piece: str) -> bytes:
    plain = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _from_hex(piece: str) -> bytes:
    return bytes.fromhex(piece.replace(":", "").replace(" ", ""))


def _from_escapes(text: str) -> str:
    def written(found: re.Match[str]) -> str:
        return chr(int(found[1] or found[2], 16))

    return re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", written, text)


def _as_text(data: bytes) -> str:
    """What the bytes say, or nothing where they are no text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    shown = sum(1 for one in text if one.isprintable() or one in "\n\r\t")
    is_text = len(text) >= LEAST_DECODED and shown >= LEAST_PRINTABLE * len(text)
    return text if is_text else ""
