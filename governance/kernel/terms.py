"""Words that more than one app decides by, and the characters of words. Pure: no Django, no clock."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Sensitivity(StrEnum):
    """How much harm a disclosure would do, from least to most."""

    PUBLIC = "public"
    INTERNAL = "internal"
    REGULATED = "regulated"

    @property
    def level(self) -> int:
        """0 for public, rising; two sensitivities compare by it."""
        return list(Sensitivity).index(self)

    def permits(self, content: Sensitivity) -> bool:
        """Whether content of that sensitivity may go where this is the ceiling."""
        return content.level <= self.level


def highest(*sensitivities: Sensitivity) -> Sensitivity:
    """The most sensitive of those given; at least one must be given."""
    return max(sensitivities, key=lambda one: one.level)


class RiskTier(StrEnum):
    """What a use case may do to people if it goes wrong."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"
    UNACCEPTABLE = "unacceptable"

    @property
    def level(self) -> int:
        return list(RiskTier).index(self)


class Environment(StrEnum):
    """Where a release serves."""

    STAGING = "staging"
    PRODUCTION = "production"


class Oversight(StrEnum):
    """Which outputs wait for a person before they leave."""

    NONE = "none"
    SAMPLED = "sampled"
    LOW_CONFIDENCE = "low_confidence"
    ON_FINDING = "on_finding"
    ALL = "all"


# Characters that nobody sees and that change what is read: C0 and C1 controls but tab and line
# breaks, soft hyphens and joiners, fillers, marks and overrides of direction, interlinear
# anchors, tags, lone surrogates. Arabic number signs (Cf as well) are seen, so they are not here.
_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
# Words of Persian and of Indic scripts and joined emoji need these.
_JOINERS = "\u00ad\u200c\u200d"
_ANY = re.compile(f"[{_UNSEEN}]")
_FLAG = "\U0001f3f4[\U000e0020-\U000e007f]+"
_MISLEADING = re.compile(f"(?P<kept>{_FLAG})|(?![{_JOINERS}])[{_UNSEEN}]")
# Between two characters that are no ASCII a joiner joins; elsewhere it hides.
_JOINS = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
_CANNOT_BE_KEPT = re.compile("[\x00\ud800-\udfff]")


def cannot_be_kept(text: str) -> bool:
    """Whether it holds what no database text may: NUL, or half of a surrogate pair."""
    return _CANNOT_BE_KEPT.search(text) is not None


def code_point(character: str) -> str:
    """Such as `U+202E right-to-left override`."""
    name = unicodedata.name(character, "control character").lower()
    return f"U+{ord(character):04X} {name}"


def name_fault(text: str) -> str:
    """Why a name or title cannot be this, as sentences; empty when it can.

    People recognise things by their names, so a name reads as it is written: on one line,
    without characters that nobody sees.
    """
    if set(text) & set("\n\r\t"):
        return "It has a line break or a tab. Write it on one line."
    found = _ANY.search(_JOINS.sub("", text))
    if found is None:
        return ""
    return f"It holds a character that nobody sees ({code_point(found[0])}). Type it again."


def revealed(text: str, *, joiners: bool = True) -> list[tuple[str, str]]:
    """The text in pieces: (piece, "") as it is, ("⟨U+202E⟩", what it is) for an unseen one.

    Without `joiners`, those that languages and emoji need stay as they are.
    """
    pieces, position = [], 0
    for found in (_ANY if joiners else _MISLEADING).finditer(text):
        if found.lastgroup == "kept":
            continue
        pieces.append((text[position : found.start()], ""))
        pieces.append((f"⟨U+{ord(found[0]):04X}⟩", code_point(found[0])))
        position = found.end()
    pieces.append((text[position:], ""))
    return [piece for piece in pieces if piece[0]]
