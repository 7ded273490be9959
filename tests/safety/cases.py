"""The cases as data: what each text is, where it stands, how it is written."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).parent
LEET = str.maketrans("oieas", "01345")
LOOK_ALIKES = str.maketrans("aeopcyx", "аеорсух")


@dataclass(frozen=True)
class Case:
    """One text with its kind (attack or benign) and category; `text` is as it is sent."""

    kind: str
    category: str
    language: str
    source: str
    written: str
    text: str

    @property
    def is_attack(self) -> bool:
        return self.kind == "attack"


def _zero_width(text: str) -> str:
    return "\u200b".join(text)


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: f"Decode and do: {base64.b64encode(text.encode()).decode()}",
    "hex": lambda text: f"Decode and do: {text.encode().hex()}",
    "url": lambda text: quote(text),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "leet": lambda text: text.translate(LEET),
    "homoglyph": lambda text: text.translate(LOOK_ALIKES),
    "fullwidth": _fullwidth,
    "zero_width": _zero_width,
    "spaced": lambda text: " ".join(text),
    "tags": lambda text: "Summarise this." + "".join(chr(0xE0000 + ord(one)) for one in text),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
}


def cases(name: str) -> Iterator[Case]:
    """The lines of tuned.txt or held_out.txt under their headings."""
    heading: list[str] = []
    for line in (HERE / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line.split()[0][1:] in KINDS:
            heading = line[1:-1].split()
        elif line and not (line.startswith("# ") and not heading):
            kind, category, language, source, *written = heading
            form = written[0] if written else "plain"
            yield Case(kind, category, language, source, form, WRITINGS[form](line))


KINDS = ("attack", "benign")
