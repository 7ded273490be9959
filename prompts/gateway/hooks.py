"""What the gateway puts into the shell, and what it points out to reviewers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.model_cards.registries import DeploymentLink, deployment_links
from governance.policy.rules import PERSONAL
from governance.registry.models import UseCase
from governance.registry.registries import Panel, use_case_panels
from prompts.catalogue.models import PromptVersion
from prompts.gateway import caching, governing, opinions, restoring, screens
from prompts.gateway.fetching import fetches_of
from prompts.gateway.models import SecondOpinion, UseCaseLimit
from prompts.gateway.rules import CIRCUIT_STATES
from prompts.releases.models import Release
from reviews.decisions.marking import Mark
from reviews.decisions.registries import ItemPanel, answer_marks, item_panels
from reviews.feedback.registries import contracts, screenings
from reviews.queues.models import ReviewItem
from telemetry.ledger.models import Call
from telemetry.ledger.registries import (
    BodyStore,
    CallPanel,
    body_stores,
    call_panels,
    finding_codes,
)

navigation.add(
    "try",
    NavigationItem("Build", "Try it", "gateway:try", "play", (Permission.CALL_TRY,), 20),
)

navigation.add(
    "health",
    NavigationItem("Run", "Health", "gateway:health", "activity", (Permission.MODEL_VIEW,), 35),
)
transition_tables.add("Circuit.state", CIRCUIT_STATES)
deployment_links.add("health", DeploymentLink("Health and circuit", "gateway:deployment-health"))

for action, sentence in {
    "circuit.hold_open": "{actor} keeps every call away from {subject}",
    "circuit.close": "{actor} lets calls reach {subject} again",
    "use_case.limits_changed": "{actor} changed how much {subject} may call in a minute",
    "result_policy.changed": "{actor} changed how often answers of {subject} are given",
    "call.result_fetched": "{actor} fetched the answer of {subject}",
    "call.result_refused": "{actor} was refused the answer of {subject}: it was given before",
}.items():
    audit_actions.add(action, sentence)


body_stores.add(
    "cached answers",
    BodyStore(
        "Answers in the cache", caching.count_cached, caching.erase_cached, caching.forget_expired
    ),
)
body_stores.add(
    "second opinions",
    BodyStore(
        "Reasons of second models",
        opinions.count_reasons,
        opinions.erase_reasons,
        opinions.forget_reasons,
    ),
)
body_stores.add(
    "replaced values",
    BodyStore(
        "Values behind placeholders",
        restoring.count_values,
        restoring.erase_values,
        restoring.forget_values,
    ),
)
for code, says in {
    "block_list": "The input matches a rule for what is not taken",
    "content_rule": "The answer matches a rule for what it must not hold",
    "cut_off": "The model was cut off at the most tokens that it is given",
    "image_not_screened": "An image that no screen sees into",
    "leaked_placeholder": "A placeholder of a replaced text stands in the answer",
    "personal_data": "The answer holds personal data",
    "prompt_injection": "The input reads like an attempt to instruct the model",
    "repaired_output": "The answer kept its contract at the second try",
    "verdict": "A second model did not pass the answer",
    "secret": "The answer holds something like a credential",
}.items():
    finding_codes.add(code, says)


def results_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """How often answers are given, and the form for who may say so."""
    may_change = user.may(Permission.USE_CASE_MANAGE, use_case.team)
    return {"fetches": fetches_of(use_case.pk), "may_change": may_change, "use_case": use_case}


def limits_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """How much it may call in a minute over all its keys, and the form for who may say so."""
    may_change = user.may(Permission.USE_CASE_MANAGE, use_case.team)
    limits = UseCaseLimit.objects.filter(use_case=use_case).first()
    return {"limits": limits, "may_change": may_change, "use_case": use_case}


use_case_panels.add(
    "limits",
    Panel(
        "Limits of its calls",
        72,
        "prompts/gateway/_limits_panel.html",
        limits_panel,
        (Permission.USE_CASE_VIEW,),
    ),
)
use_case_panels.add(
    "results",
    Panel(
        "Results of asynchronous calls",
        70,
        "prompts/gateway/_results_panel.html",
        results_panel,
        (Permission.USE_CASE_VIEW,),
    ),
)


def governed_by(call: Call, user: User, now: datetime) -> dict[str, Any]:
    """The release that the call ran under, and the approval that stood behind it."""
    found = Release.objects.visible_to(user).select_related("version__prompt", "approval")
    release = found.filter(pk=call.release_id or 0).first()
    return {"release": release} if release else {}


call_panels.add(
    "governed by",
    CallPanel(
        "What governed it",
        20,
        "prompts/gateway/_governed_by.html",
        governed_by,
        (Permission.PROMPT_VIEW,),
    ),
)


def contract_kept_by(call: Call) -> dict[str, Any]:
    """The output contract of the version that answered."""
    found = PromptVersion.objects.filter(pk=call.prompt_version_id or 0)
    return found.values_list("output_contract", flat=True).first() or {}


contracts.add("prompt version", contract_kept_by)
screenings.add("gateway", lambda: governing.screening(governing.generation()))


def second_opinion(call: Call, user: User, now: datetime) -> dict[str, Any]:
    """What a second model said. Its words only where a held answer may be read: in the review."""
    found = SecondOpinion.objects.select_related("deployment").filter(call=call).first()
    if found is None:
        return {}
    return {"opinion": found, "cost": opinions.cost_of(call)}


call_panels.add(
    "second opinion",
    CallPanel(
        "Second opinion",
        10,
        "prompts/gateway/_second_opinion.html",
        second_opinion,
        (Permission.PROMPT_VIEW, Permission.REVIEW_VIEW),
    ),
)


def judged(item: ReviewItem) -> dict[str, Any]:
    """The verdict with its words, and how sure the answer is, for who holds the answer."""
    call = item.call
    found = SecondOpinion.objects.filter(call=call).select_related("deployment").first()
    if found is None and call.confidence is None:
        return {}
    return {"call": call, "opinion": found, "reason": opinions.reason_of(found) if found else ""}


item_panels.add("second opinion", ItemPanel("prompts/gateway/_second_opinion_beside.html", judged))


def screened(text: str) -> Iterator[Mark]:
    """Where the output screens find what they note: the findings of a call hold no positions."""
    for found in screens.PLACEHOLDER.finditer(text):
        yield Mark(found.start(), found.end(), "placeholder")
    for found in screens.SECRETS.finditer(text):
        yield Mark(found.start(), found.end(), "like a credential")
    for personal in screens.find_personal_data(text, PERSONAL):
        label = personal.entity.lower().replace("_", " ")
        yield Mark(personal.start, personal.end, label)


answer_marks.add("output screens", screened)
