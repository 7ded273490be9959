"""Which language a notice is shown in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# A text from before whose language nobody noted (BCP 47).
UNDETERMINED = "und"
LONGEST = 12
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def normalised(tag: str) -> str:
    """A language code as it is kept, as in "de" or "pt-br"; empty when it is none."""
    tag = tag.strip().replace("_", "-")
    is_tag = len(tag) <= LONGEST and _TAG.fullmatch(tag) is not None
    return tag.casefold() if is_tag else ""


def wanted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first; unreadable parts go."""
    found = []
    for position, part in enumerate(header[:500].split(",")):
        name, _, weight = part.partition(";")
        tag = "*" if name.strip() == "*" else normalised(name)
        share = _weight(weight)
        if tag and share > 0:
            found.append((-share, position, tag))
    return [tag for _, _, tag in sorted(found)]


def _weight(text: str) -> float:
    """The q of one part; 1 when there is none, 0 when it is none."""
    text = text.strip()
    if not text:
        return 1.0
    match = re.fullmatch(r"q\s*=\s*([01](?:\.\d{0,3})?)", text)
    return min(float(match[1]), 1.0) if match else 0.0


def best(asked: Iterable[str], available: Sequence[str]) -> str:
    """The first asked that is there, exactly or in its main language; empty when none is."""
    for tag in asked:
        if tag == "*" and available:
            return available[0]
        main = tag.split("-")[0]
        near = [one for one in available if one.split("-")[0] == main]
        for candidate in (tag, main, *near):
            if candidate in available:
                return candidate
    return ""
