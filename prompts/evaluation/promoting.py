"""A decided answer becomes a case in one step: what was asked, and what a person made of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.policy.output_contract import check
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.evaluation.models import EvaluationCase, EvaluationSuite
from prompts.evaluation.rules import values_in
from prompts.evaluation.services import add_case, check_can_write, create_suite
from reviews.decisions.models import ReviewDecision
from telemetry.ledger.bodies import can_open_bodies

SUITE = "Regression"


def prompt_of(decision: ReviewDecision) -> PromptVersion | None:
    """The version that the decided call ran with."""
    found = PromptVersion.objects.select_related("prompt__use_case__team")
    return found.filter(pk=decision.item.call.prompt_version_id or 0).first()


@transaction.atomic
def promote(
    *,
    actor: Actor,
    decision: ReviewDecision,
    now: datetime,
    suite: EvaluationSuite | None = None,
    scorer: str = "",
    tags: tuple[str, ...] = ("regression",),
) -> EvaluationCase:
    """A case of this decision in the suite, or in the prompt's suite for regressions.

    Labels, JSON and text each have the scorer that fits them, unless one is named. Raises Invalid
    when the decision leaves nothing to expect, or its input cannot be read back.
    """
    version = prompt_of(decision)
    if version is None:
        raise Invalid("Nothing was made: this call ran with no prompt that is still known.")
    check_can_write(actor, version.prompt)
    if not can_open_bodies(actor, decision.item.call):
        raise NotAllowed("Nothing was made: your roles do not open what was said in this call.")
    if suite is not None and suite.prompt_id != version.prompt_id:
        raise Invalid("Nothing was made: choose a suite of this prompt.")
    return add_case(
        actor=actor,
        suite=suite or _regressions(actor, version.prompt, now),
        name=f"Decision {decision.pk} of {decision.at:%Y-%m-%d}",
        tags=tags,
        asked=_asked(decision, version),
        expectations=[_expected(decision, version, scorer)],
        now=now,
        decision=decision,
    )


def _regressions(actor: Actor, prompt: Prompt, now: datetime) -> EvaluationSuite:
    found = prompt.suites.filter(name=SUITE).first()
    purpose = "What reviewers found, so that it does not come again."
    return found or create_suite(actor=actor, prompt=prompt, name=SUITE, purpose=purpose, now=now)


def _asked(decision: ReviewDecision, version: PromptVersion) -> dict[str, Any]:
    payload = getattr(decision.item.call, "payload", None)
    request = payload.open("request") if payload is not None else None
    if request is None:
        raise Invalid("Nothing was made: what was asked in this call is kept no longer.")
    found = values_in(version.messages, version.variables, json.loads(request))
    if found is None:
        raise Invalid(
            "Nothing was made: the variables cannot be read back from what was asked. "
            "Write the case by hand."
        )
    return {"variables": found[0], "messages": found[1]}


def _expected(decision: ReviewDecision, version: PromptVersion, scorer: str) -> dict[str, str]:
    call = decision.item.call
    if decision.verdict == "reject":
        raise Invalid(
            "Nothing was made: who rejects an answer says that it is wrong, not which is right. "
            "Write the case by hand."
        )
    correction = getattr(decision, "correction", None)
    pair = correction.texts() if correction is not None else None
    text = pair[1] if pair else call.payload.open("response")
    if text is None:
        raise Invalid("Nothing was made: the answer is kept no longer.")
    return {"scorer": scorer or _fitting(version.output_contract, text), "expected": text.strip()}


def _fitting(contract: dict[str, Any], text: str) -> str:
    kind = contract.get("type", "text")
    if kind == "labels":
        return "label"
    if kind == "json_schema" and check(contract, text).ok and text.strip().startswith("{"):
        return "json_fields"
    return "normalised"


def may_promote(actor: Actor, decision: ReviewDecision) -> bool:
    """Whether to offer it; `promote` checks again, and looks at the texts."""
    version = prompt_of(decision)
    if version is None or decision.verdict not in ("correct", "approve"):
        return False
    team = version.prompt.use_case.team
    return actor.may(Permission.PROMPT_AUTHOR, team) and can_open_bodies(actor, decision.item.call)


def suites_offered(actor: Actor, decision: ReviewDecision) -> list[EvaluationSuite]:
    """The suites of the prompt, that for regressions first."""
    version = prompt_of(decision) if may_promote(actor, decision) else None
    if version is None:
        return []
    return sorted(version.prompt.suites.all(), key=lambda one: (one.name != SUITE, one.name))
