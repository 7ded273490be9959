"""The lines of an export, made from the decisions as they stand at this moment."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from governance.access.models import User
from governance.kernel.canonical import text_digest
from governance.registry.models import Dataset
from prompts.catalogue.models import PromptVersion
from prompts.corrections.models import CorrectionExport
from prompts.corrections.rules import (
    LEFT_OUT,
    Basis,
    Standing,
    line_of,
    sentence_of,
    why_left_out,
)
from prompts.corrections.selectors import readable_by
from reviews.decisions.models import ReviewDecision
from telemetry.ledger.models import Call, Payload
from telemetry.ledger.rules import CallState

AT_A_TIME = 100
FORMAT = "placet.corrections/1"
STANDS = {
    "approve": (CallState.RELEASED, CallState.DELIVERED),
    # What a user complained of after its delivery is corrected without being sent again.
    "correct": (CallState.CORRECTED, CallState.DELIVERED),
    "reject": (CallState.REJECTED,),
}


@dataclass(frozen=True)
class Prepared:
    """A decision with its line, or with why it has none."""

    decision: ReviewDecision
    line: dict[str, Any] | None
    left_out: str = ""
    dataset: str = ""


def prepared(
    kind: str, decision_ids: Sequence[int], user: User, now: datetime, *, opens: bool = True
) -> Iterator[Prepared]:
    """In the order of the ids. Without `opens` no text is opened, and lines are empty."""
    found = {one.pk: one for one in _with_all(decision_ids)}
    readable = set(
        ReviewDecision.objects.filter(readable_by(user), pk__in=decision_ids).values_list(
            "pk", flat=True
        )
    )
    calls = [one.item.call for one in found.values()]
    bases = _bases({one.use_case_id for one in calls})
    versions = PromptVersion.objects.in_bulk({one.prompt_version_id or 0 for one in calls})
    for pk in decision_ids:
        decision = found[pk]
        call = decision.item.call
        standing = _standing(decision, pk in readable, bases.get(call.use_case_id, ()))
        code, dataset = why_left_out(kind, standing, now)
        if code or not opens:
            yield Prepared(decision, None if code else {}, code, dataset)
            continue
        version = versions.get(call.prompt_version_id or 0)
        yield _opened(kind, decision, lineage_of(decision, version, standing.bases))


def _with_all(decision_ids: Sequence[int]) -> QuerySet[ReviewDecision]:
    return ReviewDecision.objects.filter(pk__in=decision_ids).select_related(
        "item__call__use_case",
        "item__call__deployment",
        "item__call__payload__erasure",
        "item__queue",
        "correction",
    )


def _bases(use_case_ids: set[int]) -> dict[int, tuple[Basis, ...]]:
    named: dict[int, list[Basis]] = {}
    through = Dataset.use_cases.through.objects.filter(usecase_id__in=use_case_ids)
    for one in through.select_related("dataset").order_by("dataset__name"):
        data = one.dataset
        named.setdefault(one.usecase_id, []).append(
            Basis(
                data.name,
                data.allows_training,
                data.has_personal_data,
                data.lawful_basis,
                data.licence,
            )
        )
    return {pk: tuple(found) for pk, found in named.items()}


def _standing(decision: ReviewDecision, is_readable: bool, bases: tuple[Basis, ...]) -> Standing:
    call = decision.item.call
    payload: Payload | None = getattr(call, "payload", None)
    correction = getattr(decision, "correction", None)
    gone = payload is None or payload.destroyed_at is not None
    return Standing(
        verdict=decision.verdict,
        stands=call.state in STANDS.get(decision.verdict, ()),
        is_readable=is_readable,
        is_erased=payload is not None and payload.erasure_id is not None,
        is_destroyed=gone or (correction is not None and correction.destroyed_at is not None),
        keep_until=payload.keep_until if payload else None,
        bases=bases,
    )


def _opened(kind: str, decision: ReviewDecision, lineage: dict[str, Any]) -> Prepared:
    payload = decision.item.call.payload
    request = payload.open("request")
    if request is None:
        return Prepared(decision, None, "no_input")
    correction = getattr(decision, "correction", None)
    pair = correction.texts() if correction is not None else None
    model_text, chosen = pair or (payload.open("response"),) * 2
    if chosen is None:
        return Prepared(decision, None, "retention_ended")
    sent = decision.item.call.decided_hash
    if correction is not None and sent and text_digest(chosen) != sent:
        return Prepared(decision, None, "superseded")
    line = line_of(kind, json.loads(request), chosen, model_text, lineage)
    return Prepared(decision, line)


def lineage_of(
    decision: ReviewDecision, version: PromptVersion | None, bases: tuple[Basis, ...]
) -> dict[str, Any]:
    """Where a line comes from, under which basis, and until when its texts may be kept."""
    call: Call = decision.item.call
    return {
        "call": str(call.pk),
        "use_case": call.use_case.slug,
        "sensitivity": call.sensitivity,
        "lawful_basis": [one.as_plain() for one in bases],
        "keep_until": call.payload.keep_until.isoformat(),
        "prompt_version": call.prompt_label,
        "prompt_version_sha256": version.content_hash if version else None,
        "deployment": call.deployment.slug if call.deployment else None,
        "review_decision": decision.pk,
        "verdict": decision.verdict,
        "queue": decision.item.queue.slug,
        "labels": decision.labels,
        "decided_at": decision.at.isoformat(),
        "request_sha256": call.request_hash,
        "response_sha256": call.response_hash,
        "decided_sha256": call.decided_hash,
    }


def written(export: CorrectionExport, user: User, now: datetime) -> Iterator[bytes]:
    """The file, piece by piece; its last line is the manifest.

    What was to be in it and is not any more is counted there, each by its decision.
    """
    hashed, count, left = hashlib.sha256(), 0, []
    decisions = _decision_ids(export)
    while batch := list(islice(decisions, AT_A_TIME)):
        for one in prepared(export.kind, batch, user, now):
            if one.line is None:
                left.append(one)
                continue
            line = json.dumps(one.line, ensure_ascii=False).encode() + b"\n"
            hashed.update(line)
            count += 1
            yield line
    yield json.dumps({"manifest": manifest(export, count, left, hashed.hexdigest(), now)}).encode()
    yield b"\n"


def _decision_ids(export: CorrectionExport) -> Iterator[int]:
    return export.lines.values_list("decision_id", flat=True).iterator(chunk_size=2000)


def manifest(
    export: CorrectionExport, count: int, left: Sequence[Prepared], sha256: str, now: datetime
) -> dict[str, Any]:
    reasons = Counter(one.left_out for one in left)
    return {
        "format": FORMAT,
        "export": str(export.pk),
        "kind": export.kind,
        "wanted": export.wanted,
        "written_at": now.isoformat(),
        "lines": count,
        "sha256": sha256,
        "left_out": [
            {"review_decision": one.decision.pk, "why": one.left_out}
            | ({"dataset": one.dataset} if one.dataset else {})
            for one in left
        ],
        "reasons": {
            code: {"count": number, "says": sentence_of(code, "")}
            for code, number in sorted(reasons.items())
            if code in LEFT_OUT
        },
    }
