"""The texts of a run's cases and answers, for who may read bodies, under audit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from prompts.evaluation.models import EvaluationResult, EvaluationRun
from telemetry.ledger.models import Payload

GONE = "kept no longer"


@dataclass(frozen=True)
class Texts:
    """What a case asks, what is expected, and what this and the live version answered."""

    asked: str
    expected: list[dict[str, str]]
    answer: str
    live_answer: str


@transaction.atomic
def open_texts(
    *,
    actor: Actor,
    run: EvaluationRun,
    results: Sequence[EvaluationResult],
    live: EvaluationRun | None,
    now: datetime,
) -> dict[int, Texts]:
    """By the result's number."""
    team = run.suite.prompt.use_case.team
    if not actor.may(Permission.CALL_BODY_VIEW, team):
        raise NotAllowed("The texts stay closed: your roles do not open what was said.")
    record(
        actor=actor,
        action="evaluation_run.texts_opened",
        subject=run,
        now=now,
        after={"cases": len(results)},
        team_id=team.pk,
    )
    cases = run.suite.cases.in_bulk([one.case_id for one in results])
    others: dict[int, EvaluationResult] = {}
    if live is not None:
        others = {one.case_id: one for one in live.results.filter(case__in=list(cases))}
    calls = {one.call_id for one in (*results, *others.values()) if one.call_id}
    payloads = Payload.objects.in_bulk(calls)

    def said(result: EvaluationResult | None) -> str:
        payload = payloads.get(result.call_id) if result and result.call_id else None
        return (payload.open("response") if payload else None) or ""

    found = {}
    for one in results:
        opened = cases[one.case_id].opened()
        asked, expected = opened if opened else (GONE, [])
        found[one.pk] = Texts(
            asked if isinstance(asked, str) else json.dumps(asked, indent=2, ensure_ascii=False),
            expected,
            said(one),
            said(others.get(one.case_id)),
        )
    return found
