"""Which items several people decide, when they agree, and what a calibration asks. Pure."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from uuid import UUID

from governance.kernel.transitions import Edge, TransitionTable

FEWEST_SLOTS, MOST_SLOTS = 2, 5
LONGEST_WHY = 2_000
HIGHEST_RATE = Decimal(10_000)
_NANO = Decimal("0.000000001")
_SHARES = 10_000


class DoubleState(StrEnum):
    COLLECTING = "collecting"
    AGREED = "agreed"
    DISPUTED = "disputed"
    ADJUDICATED = "adjudicated"


DOUBLE_STATES = TransitionTable(
    "DoubleReview.state",
    DoubleState.COLLECTING,
    (
        Edge("collecting", "agree", "agreed", "the reviewer of the last slot", "all say the same"),
        Edge("collecting", "dispute", "disputed", "the reviewer of the last slot", "they differ"),
        Edge("disputed", "adjudicate", "adjudicated", "a review lead", "who filled no slot"),
        Edge("agreed", "adjudicate", "adjudicated", "a review lead", "its decision was taken back"),
        Edge("adjudicated", "adjudicate", "adjudicated", "a review lead", "who filled no slot"),
    ),
)


def _drawn(purpose: str, key: str) -> int:
    """A number from 0 to 9999 that the purpose and key fix; anybody can derive it again."""
    digest = hashlib.sha256(f"{purpose}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SHARES


def is_double(call_id: UUID, share: int) -> bool:
    """Whether the call is among the `share` percent that several people decide."""
    return _drawn("double review", str(call_id)) < share * (_SHARES // 100)


def is_calibration_turn(queue_id: int, person_id: int, turn: int, share: int) -> bool:
    """Whether this person's `turn`-th decision in the queue is a calibration, at so many percent."""
    return _drawn("calibration", f"{queue_id}:{person_id}:{turn}") < share * (_SHARES // 100)


def rank_of(calibration_id: int, person_id: int) -> str:
    """The order in which a person meets calibrations: another one for everybody."""
    return hashlib.sha256(f"rank:{calibration_id}:{person_id}".encode()).hexdigest()


def normalised(text: str) -> str:
    """The text in which two corrections are the same answer.

    JSON by its value; everything else in Unicode's composed form with runs of white space as
    one blank.
    """
    try:
        return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return " ".join(unicodedata.normalize("NFC", text).split())


def agree(answers: list[tuple[str, str]]) -> bool:
    """Whether all (verdict, digest of the normalised correction or "") are the same."""
    return len(set(answers)) == 1


def cost_of(seconds: int, hourly: Decimal) -> Decimal:
    """What so many seconds cost at a rate per hour, to nine places, halves to even."""
    return (hourly * seconds / 3600).quantize(_NANO, ROUND_HALF_EVEN)
