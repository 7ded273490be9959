"""Whom a text mentions, as "@name" or "@address". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_MENTIONS = 20
_MOST_WORDS = 4
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MENTION = re.compile(r"(?<![\w@.])@(?=\w)")
_NAME = re.compile(r"[\w.'-]+(?:[^\S\n][\w.'-]+)*")


@dataclass(frozen=True)
class Mention:
    """What stands after one @: an e-mail address, or the names it may be, the longest first."""

    said: str
    address: str = ""
    names: tuple[str, ...] = ()


def mentions_in(text: str) -> list[Mention]:
    """In the order of the text, each once, at most twenty."""
    found: dict[str, Mention] = {}
    for at in _MENTION.finditer(text):
        mention = _mention(text[at.end() : at.end() + 300])
        found.setdefault((mention.address or mention.names[0]).casefold(), mention)
    return list(found.values())[:MOST_MENTIONS]


def _mention(rest: str) -> Mention:
    address = _ADDRESS.match(rest)
    if address:
        return Mention(address[0], address=address[0])
    words = (_NAME.match(rest) or re.match(r"\w+", rest))[0].split()[:_MOST_WORDS]  # type: ignore[index]  # a word follows
    names: list[str] = []
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count])
        # A full stop or an apostrophe may belong to the name or to the sentence.
        names += [name, name.rstrip(".'-")] if name[-1] in ".'-" else [name]
    # Most names have two words; more of the sentence would only confuse.
    return Mention(" ".join(words[:2]).rstrip(".'-"), names=tuple(dict.fromkeys(names)))
