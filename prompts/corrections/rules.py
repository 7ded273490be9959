"""What may be exported, what a line of it is, and why another is left out. Pure.

A line is written in the shapes that training tools read: `messages` for supervised training,
`prompt`, `chosen` and `rejected` (each a list of messages) for preference training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from governance.kernel.transitions import Edge, TransitionTable

AT_ONCE = 200
"""So many decisions are looked through in the request itself; more by a worker, step by step."""
MOST_LINES = 200_000


class ExportKind(StrEnum):
    SUPERVISED = "supervised"
    PREFERENCE = "preference"


class ExportState(StrEnum):
    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    CANCELLED = "cancelled"


_WORKER = "a worker"
_PERSON = "who asked for it"

EXPORT_STATES = TransitionTable(
    "CorrectionExport.state",
    ExportState.REQUESTED,
    (
        Edge("requested", "build", "building", _WORKER),
        Edge("building", "build", "building", _WORKER, "the next decisions"),
        Edge("building", "finish", "ready", _WORKER, "every decision was looked at"),
        Edge("requested", "cancel", "cancelled", _PERSON),
        Edge("building", "cancel", "cancelled", _PERSON),
    ),
)
OPEN_STATES = (ExportState.REQUESTED, ExportState.BUILDING)

LEFT_OUT = {
    "erased": "Its texts were erased, because a person asked for that.",
    "retention_ended": "Its texts are kept no longer: their retention has ended.",
    "not_readable": "Whoever exports may not read its texts.",
    "superseded": "What was decided here is not what the call stands at now.",
    "rejected": "Nothing of it was found fit to leave, so there is nothing to learn from.",
    "no_correction": "Nothing was corrected, so there is no pair to prefer one of.",
    "no_dataset": "Its use case names no dataset, so no basis allows training with its texts.",
    "not_for_training": "A dataset that its use case rests on may not train models.",
    "no_lawful_basis": "A dataset with personal data names no lawful basis.",
    "no_input": "What was asked is not kept.",
}


@dataclass(frozen=True)
class Basis:
    """What a dataset of the use case allows."""

    dataset: str
    allows_training: bool
    has_personal_data: bool
    lawful_basis: str
    licence: str

    def as_plain(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "has_personal_data": self.has_personal_data,
            "lawful_basis": self.lawful_basis,
            "licence": self.licence,
        }


@dataclass(frozen=True)
class Standing:
    """What stands of one decision, without its texts."""

    verdict: str
    stands: bool
    is_readable: bool
    is_erased: bool
    is_destroyed: bool
    keep_until: datetime | None
    bases: tuple[Basis, ...]


def why_left_out(kind: str, standing: Standing, now: datetime) -> tuple[str, str]:
    """(code, name of the dataset in the way); empty codes for what may be exported.

    Whose texts a legal hold keeps beyond their time are kept for that, and not to train models.
    """
    if standing.is_erased:
        return "erased", ""
    if standing.is_destroyed or standing.keep_until is None or standing.keep_until <= now:
        return "retention_ended", ""
    if not standing.is_readable:
        return "not_readable", ""
    if not standing.stands:
        return "superseded", ""
    if standing.verdict == "reject":
        return "rejected", ""
    if kind == ExportKind.PREFERENCE and standing.verdict != "correct":
        return "no_correction", ""
    return _basis_in_the_way(standing.bases)


def _basis_in_the_way(bases: Sequence[Basis]) -> tuple[str, str]:
    if not bases:
        return "no_dataset", ""
    for one in bases:
        if not one.allows_training:
            return "not_for_training", one.dataset
        if one.has_personal_data and not one.lawful_basis.strip():
            return "no_lawful_basis", one.dataset
    return "", ""


def line_of(
    kind: str,
    messages: list[dict[str, Any]],
    chosen: str,
    rejected: str | None,
    lineage: Mapping[str, Any],
) -> dict[str, Any]:
    """One line; `rejected` is the model's own text, which preference lines need."""
    if kind == ExportKind.PREFERENCE:
        return {
            "prompt": messages,
            "chosen": [_said(chosen)],
            "rejected": [_said(rejected or "")],
            "lineage": dict(lineage),
        }
    return {"messages": [*messages, _said(chosen)], "lineage": dict(lineage)}


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def sentence_of(code: str, dataset: str) -> str:
    """Why it was left out, with the dataset in the way."""
    says = LEFT_OUT.get(code, "")
    return f"{says} ({dataset})" if dataset else says
