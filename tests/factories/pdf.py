"""The text of a PDF that typst wrote, read from the file itself: enough of the format for ours."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"^(\d+) 0 obj\n(.*?)^endobj", re.S | re.M)
_STREAM = re.compile(rb"(.*?)stream\n(.*)\nendstream", re.S)
_CHARACTER = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")
# A glyph is two bytes, of which the first is small; the second may be a parenthesis as it stands.
_GLYPH = rb"\\00[0-7](?:\\[0-7]{3}|\\.|[^\\])"
_CODE = re.compile(rb"\\(00[0-7])(?:\\([0-7]{3})|\\?(.))", re.S)
_SHOWN = re.compile(rb"/(f\d+) [\d.]+ Tf|\(((?:" + _GLYPH + rb")+)\)|<([0-9A-F]{4,})>|(ET)", re.S)
_ESCAPES = {b"n": 10, b"r": 13, b"t": 9, b"b": 8, b"f": 12}
Fonts = dict[bytes, dict[int, str]]


def text_of(content: bytes) -> str:
    """All words in the order in which they are set, with one space between the pieces."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts: Fonts = {}
    for body in objects.values():
        for listed in re.findall(rb"/Font<<(.*?)>>", body):
            for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", listed):
                fonts[name] = _characters(objects, int(number))
    pages = [
        int(found[1])
        for body in objects.values()
        if b"/Type/Page/" in body and (found := re.search(rb"/Contents (\d+) 0 R", body))
    ]
    words = [_words(_stream(objects[page]), fonts) for page in pages]
    return " ".join(" ".join(words).split())


def _characters(objects: dict[int, bytes], font: int) -> dict[int, str]:
    """What each glyph of the font is as text."""
    found = re.search(rb"/ToUnicode (\d+) 0 R", objects[font])
    assert found, "a font without its characters cannot be read aloud either"
    listed = _CHARACTER.findall(_stream(objects[int(found[1])]).partition(b"endcodespacerange")[2])
    return {
        int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in listed
    }


def _stream(body: bytes) -> bytes:
    found = _STREAM.match(body)
    assert found
    return zlib.decompress(found[2]) if b"/FlateDecode" in found[1] else found[2]


def _words(page: bytes, fonts: Fonts) -> str:
    words, font = "", b""
    for chosen, shown, digits, ends in _SHOWN.findall(page):
        font = chosen or font
        codes = [_code(one) for one in _CODE.finditer(shown)]
        codes += [int(digits[at : at + 4], 16) for at in range(0, len(digits), 4)]
        words += "".join(fonts[font][code] for code in codes)
        words += " " if ends else ""
    return words


def _code(glyph: re.Match[bytes]) -> int:
    high, octal, sign = glyph.groups()
    low = int(octal, 8) if octal else sign[0]
    escaped = len(glyph[0]) == 6 and not octal
    return int(high, 8) * 256 + (_ESCAPES.get(sign, low) if escaped else low)
