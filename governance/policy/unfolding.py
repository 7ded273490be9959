"""The ways in which one text can be read: as it stands, and as a model would decode it. Pure.

An attack is written so that a pattern misses it and a model does not: in look-alike letters,
invisible characters, base64. Rules are matched against every reading. One linear pass says first
which decoders have anything to decode, so that plain text costs next to nothing.
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
from typing import Any
from urllib.parse import unquote

import re2

from governance.policy.one_pass import OnePass

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
_BASE32 = re2.compile(r"\b[A-Z2-7]{24,}={0,6}")
_BINARY = re2.compile(r"(?:\b[01]{8}\b[ ,]?){8,}|\b(?:[01]{8}){8,}\b")
_DECIMAL = re2.compile(r"(?:\b(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])\b[ ,]{1,2}){10,}\d{2,3}\b")
_MORSE = re2.compile(r"(?:[.-]{1,5}[ /]{1,3}){8,}[.-]{1,5}")
_LEET = re2.compile(r"[A-Za-z][013457@$!|]+[A-Za-z]")
_SPACED = re2.compile(r"(?:[A-Za-z][ .*_-]{1,3}){8,}")
# Two words in a row that are cut by marks, or that stand in marks.
_CUT = re2.compile(
    r"[A-Za-z]{1,9}[._*|~^][A-Za-z]{2,}[ ,]+(?:\w+ )?[A-Za-z]{1,9}[._*|~^][A-Za-z]{2,}"
)
_MARKED = re2.compile(
    r"[\[*_~`\"'(][A-Za-z]+[\]*_~`\"')][ ,]+(?:\w+ )?[\[*_~`\"'(][A-Za-z]+[\]*_~`\"')]"
)
_CUTS = re.compile(r"(?<=[A-Za-z])[._*|~^](?=[A-Za-z])")
_MARKS = re.compile(r"[\[\]*_~`\"'()]")
_BY_WORDS = re2.compile(r"(?i)backward|revers|mirror|spelled|ruckwarts|envers|al reves|contrario")
# Bytes as variation selectors, which no screen shows.
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{8,}")
# Common words of three letters and more: a text that holds none of them in a disguise is not read
# in it, which saves ordinary prose two of three readings.
_COMMON = [
    "the",
    "and",
    "all",
    "any",
    "you",
    "your",
    "what",
    "this",
    "that",
    "from",
    "with",
    "for",
    "not",
    "now",
    "are",
    "was",
    "have",
    "tell",
    "show",
    "print",
    "say",
    "rules",
    "prompt",
    "system",
    "ignore",
    "forget",
    "disregard",
    "reveal",
    "instructions",
    "previous",
    "prior",
    "above",
    "answer",
    "alle",
    "deine",
    "und",
    "die",
    "der",
    "das",
    "ist",
    "nicht",
    "zeige",
    "les",
    "tes",
    "toutes",
    "des",
    "sans",
    "las",
    "los",
    "tus",
    "todas",
    "que",
    "sin",
    "tutte",
    "tue",
    "senza",
    "suas",
    "sem",
    "het",
    "een",
    "alles",
    "wszystkie",
    "bez",
]
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_LATIN_ACCENTS = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
_BETWEEN_LETTERS = re.compile(r"(?<=\b[A-Za-z])[ .*_-](?=[A-Za-z]\b)")
_LEET_LETTERS = str.maketrans("01345789@$!|+", "oieastbgasilt")
MORSE = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
        ],
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)
# Letters of other scripts that look like Latin ones.
_LOOK_ALIKES = str.maketrans(
    "абвгеёзіїјкмнопрстухѕԁԛԝАВЕЗІЈКМНОРСТУХЅαβεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
    "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡıօոսհłøđ",
    "a6breeziijkmhonpctyxsdqwABE3IJKMHOPCTYXSabeikvoptuxABEZHIKMNOPTYX"
    "abcdefghijklmnoprstuvwyzagionuhlod",
)
# Letters as flags are written and in black squares and circles, of which Unicode knows no plain form.
_SYMBOLS = {
    start + place: letter
    for start in (0x1F1E6, 0x1F150, 0x1F170)
    for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
}


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
    may = {*_MAY.may_find(plain)}
    yield Reading(plain, how)
    if not plain.isascii():
        alike = plain.translate(_LOOK_ALIKES).translate(_SYMBOLS)
        yield Reading(alike, _named(how, "look-alike letters"))
    for name, (leads, rewrite) in _REWRITERS.items():
        if not may.isdisjoint(leads) and (other := rewrite(plain)) != plain:
            yield Reading(other, _named(how, name))
    if depth:
        for name, piece in _decoded(text, may if plain is text else {*_MAY.may_find(text)}):
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


def _any_of(words: list[str]) -> Any:
    return re2.compile(rf"(?i)\b(?:{'|'.join(words)})\b")


_ROTATED = _any_of([codecs.encode(one, "rot13") for one in _COMMON])
_REVERSED = _any_of([one[::-1] for one in _COMMON])


def _unrotated(text: str) -> str:
    return codecs.encode(text, "rot13") if _ROTATED.search(text) else text


def _turned(text: str) -> str:
    return text[::-1] if _REVERSED.search(text) else text


def _turned_by_words(text: str) -> str:
    """“erongi lla” as “ignore all”, where the text speaks of turning or is all turned."""
    if not (_BY_WORDS.search(text) or _REVERSED.search(text)):
        return text
    return " ".join(one[::-1] for one in text.split())


def _unmarked(text: str) -> str:
    """“ig.nore pre.vious” and “[ignore] your [previous]” without the marks."""
    found = _CUTS.sub("", text) if _CUT.search(text) else text
    return re.sub(" {2,}", " ", _MARKS.sub("", found)) if _MARKED.search(found) else found


def _unescaped(text: str) -> str:
    found = html.unescape(text) if _ENTITIES.search(text) else text
    return unquote(found, errors="replace") if _URL.search(found) else found


# Each with the patterns of which one must be found.
_REWRITERS: dict[str, tuple[tuple[Any, ...], Callable[[str], str]]] = {
    "leetspeak": ((_LEET,), _unleeted),
    "spaced letters": ((_SPACED,), _unspaced),
    "rot13": ((_ROTATED,), _unrotated),
    "backwards": ((_REVERSED,), _turned),
    "words backwards": ((_BY_WORDS, _REVERSED), _turned_by_words),
    "marked words": ((_CUT, _MARKED), _unmarked),
    "escapes": ((_ENTITIES, _URL), _unescaped),
}


def _decoded(text: str, may: set[Any]) -> Iterator[tuple[str, str]]:
    for name, pattern, decode in _DECODERS:
        if pattern not in may:
            continue
        for number, found in enumerate(pattern.finditer(text)):
            if number == MOST_PIECES:
                break
            if piece := _as_text(decode(found[0])):
                yield name, piece
    if not text.isascii():
        for found in _SELECTORS.finditer(text):
            if piece := _as_text(bytes(_selected(one) for one in found[0])):
                yield "variation selectors", piece
    if _ESCAPES in may and (other := _from_escapes(text)) != text:
        yield "escapes", other


def _from_base64(piece: str) -> bytes:
    plain = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _from_hex(piece: str) -> bytes:
    return bytes.fromhex(piece.replace(":", "").replace(" ", ""))


def _from_base32(piece: str) -> bytes:
    plain = piece.rstrip("=")
    try:
        return base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        return b""


def _from_binary(piece: str) -> bytes:
    plain = re.sub("[ ,]", "", piece)
    return bytes(int(plain[at : at + 8], 2) for at in range(0, len(plain) - 7, 8))


def _from_decimal(piece: str) -> bytes:
    return bytes(int(one) for one in re.findall(r"\d+", piece) if int(one) < 256)


def _from_morse(piece: str) -> bytes:
    words = re.split(r"\s*/\s*|\s{2,}", piece.strip(" /"))
    read = ("".join(MORSE.get(one, "") for one in re.findall(r"[.-]+", word)) for word in words)
    return " ".join(read).encode()


def _selected(one: str) -> int:
    place = ord(one)
    return place - 0xFE00 if place <= 0xFE0F else place - 0xE0100 + 16


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


_DECODERS: tuple[tuple[str, Any, Callable[[str], bytes]], ...] = (
    ("base64", _BASE64, _from_base64),
    ("hexadecimal", _HEX, _from_hex),
    ("base32", _BASE32, _from_base32),
    ("binary", _BINARY, _from_binary),
    ("decimal", _DECIMAL, _from_decimal),
    ("Morse", _MORSE, _from_morse),
)
_LEADS = [
    _ESCAPES,
    *(pattern for _, pattern, _ in _DECODERS),
    *(one for leads, _ in _REWRITERS.values() for one in leads),
]
_MAY: OnePass[Any] = OnePass({one: one.pattern for one in _LEADS})
