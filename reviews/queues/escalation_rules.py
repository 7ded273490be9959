"""Steps of an SLA: what happens when so much of the time to decide is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_STEPS = 8
LONGEST_SHARE = 1000
"""Ten times the time to decide; later than that nobody is helped by one more step."""


class Act(StrEnum):
    NOTIFY = "notify"
    NEXT_QUEUE = "next_queue"


ACT_WORDS = {
    Act.NOTIFY: "notify the review leads",
    Act.NEXT_QUEUE: "move it to the next queue",
}


@dataclass(frozen=True, order=True)
class Step:
    """At `share` percent of the time to decide, `act`."""

    share: int
    act: str

    def as_plain(self) -> dict[str, Any]:
        return {"share": self.share, "act": self.act}

    def __str__(self) -> str:
        return f"at {self.share} %: {ACT_WORDS[Act(self.act)]}"


class NotSteps(ValueError):
    """They cannot be read or do not fit; the message says how to write them."""


def steps_of(plain: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Kept steps, earliest first."""
    return sorted(Step(int(one["share"]), str(one["act"])) for one in plain)


def parse_steps(text: str) -> list[dict[str, Any]]:
    """Lines such as "75 notify" and "120 next queue", as they are kept. Raises NotSteps."""
    return checked([_step(line) for line in text.splitlines() if line.strip()])


def checked(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The steps in order, as they are kept. Raises NotSteps."""
    found = sorted(steps)
    if len(found) > MOST_STEPS:
        raise NotSteps(f"At most {MOST_STEPS} steps.")
    if len(set(found)) != len(found):
        raise NotSteps("Each step stands once.")
    for one in found:
        if one.act not in set(Act) or not 1 <= one.share <= LONGEST_SHARE:
            raise NotSteps(_HOW)
        if one.act == Act.NEXT_QUEUE and one.share < 100:
            raise NotSteps("An answer moves to the next queue at 100 % or later.")
    return [one.as_plain() for one in found]


_HOW = f"Write a percentage up to {LONGEST_SHARE} and “notify” or “next queue”, such as 75 notify."


def _step(line: str) -> Step:
    share, _, act = line.strip().rstrip(".").partition(" ")
    try:
        return Step(int(share.rstrip("%")), act.strip(" %:").lower().replace(" ", "_"))
    except ValueError:
        raise NotSteps(_HOW) from None


def steps_as_text(plain: Iterable[Mapping[str, Any]]) -> str:
    """The inverse of parse_steps."""
    return "\n".join(f"{one.share} {one.act.replace('_', ' ')}" for one in steps_of(plain))
