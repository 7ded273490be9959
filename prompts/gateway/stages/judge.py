"""What does a second model say of it? Asked as the call itself is: hold, place, time, ledger.

Where no verdict comes, for whatever reason, that is what the release decided for "no verdict":
a judge that cannot be asked never lets an answer through by itself.
"""

from __future__ import annotations

import copy
import secrets

from governance.kernel.terms import RiskTier, Sensitivity
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import PriceUnknown
from governance.policy import output_contract
from governance.policy.rules import obligations
from prompts.gateway import conversation
from prompts.gateway.asked import Asked
from prompts.gateway.context import VERDICT, CallContext
from prompts.gateway.refusals import Refusal
from prompts.gateway.rules import SHORTEST_ATTEMPT_SECONDS
from prompts.gateway.stages.invoke import Asking, tried
from prompts.gateway.stages.limit import move_on, why_not
from prompts.gateway.stages.route import prices_of
from prompts.gateway.verdicts import (
    MOST_JUDGE_TOKENS,
    NO_VERDICT,
    SCHEMA,
    Opinion,
    judging_messages,
    mean_token_probability,
    read_opinion,
)

STAGE = "second opinion"
SAYS = {"pass": "passes", "doubt": "doubts", "fail": "fails", "none": "gives no verdict on"}
TOKENS, JUDGED = "token_probability", "judge"
"""How a confidence figure came about."""


def judge(context: CallContext) -> str:
    """The verdict on the answer, and how sure it is; neither is ever made up."""
    checks = context.checks
    if checks.judge is not None and not context.vectors:
        with context.stage(STAGE) as entry:
            context.opinion = _opinion(context, checks.judge)
            action = checks.action_on(context.opinion.verdict)
            entry["note"] = f"{context.opinion.verdict}; {action or 'may leave'}"
            if context.opinion.verdict == NO_VERDICT:
                entry["note"] = f"no verdict, {context.opinion.reason}; {action}"
        if action:
            # The words of the judge may hold content: they are sealed, not noted.
            detail = f"the second model {SAYS[context.opinion.verdict]} the answer"
            context.findings.append(
                {"code": "verdict", "stage": STAGE, "detail": detail, "action": action}
            )
    return _note_confidence(context)


def _note_confidence(context: CallContext) -> str:
    """Of the tokens where the provider told it, else the judge's own, else none."""
    if context.vectors or context.is_cached:
        return ""
    figure = mean_token_probability(context.log_probabilities)
    if figure is not None:
        context.confidence, context.confidence_method = figure, TOKENS
    elif context.opinion is not None and context.opinion.confidence is not None:
        context.confidence, context.confidence_method = context.opinion.confidence, JUDGED
    return context.confidence_method


def _opinion(context: CallContext, judge_id: int) -> Opinion:
    deployment = context.known_governing.deployments.get(judge_id)
    if deployment is None:
        return _none("its deployment cannot be called now")
    if not _may_see(context, deployment):
        return _none(f"its deployment may not see {context.sensitivity} content")
    try:
        aside = _aside(context, deployment)
    except PriceUnknown:
        return _none("its price is not known")
    try:
        return _asked(aside)
    except Refusal as refusal:
        return _none(refusal.code.replace("_", " "))
    finally:
        context.held_attempts = aside.held_attempts


def _none(why: str) -> Opinion:
    return Opinion(NO_VERDICT, why)


def _may_see(context: CallContext, deployment: Deployment) -> bool:
    """As the route decides it for the call itself."""
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    hosting = obligations(context.sensitivity, tier).hosting
    ceiling = Sensitivity(deployment.sensitivity_ceiling)
    return ceiling.permits(context.sensitivity) and deployment.hosting in hosting


def _aside(context: CallContext, deployment: Deployment) -> CallContext:
    """The same call with another question: attempts, holds, places and time are the call's own."""
    aside = copy.copy(context)
    aside.ends_at = context.ends_at
    aside.listener, aside.purpose = None, VERDICT
    aside.deployments = [deployment]
    aside.asked = Asked(
        MOST_JUDGE_TOKENS, {"temperature": 0}, {"type": "json_schema", "schema": SCHEMA}
    )
    aside.messages = judging_messages(
        context.checks.instruction,
        [conversation.kept(one) for one in context.messages],
        context.output,
        secrets.token_hex(8),
    )
    aside.prices = context.prices | {deployment.pk: prices_of(aside, deployment)}
    return aside


def _asked(aside: CallContext) -> Opinion:
    left = aside.seconds_left()
    if left < SHORTEST_ATTEMPT_SECONDS:
        return _none("no time was left")
    needed = conversation.most_tokens(aside.messages, SCHEMA) + MOST_JUDGE_TOKENS
    if aside.deployments[0].context_tokens < needed // 2:
        return _none("the answer is longer than it takes")
    if skipped := move_on(aside, 0):
        return _none(f"the model {why_not(aside.deployments, skipped)}")
    asking = Asking()
    response = tried(aside, 0, asking)
    if response is None:
        return _none("; ".join(asking.failures))
    if response.finish_reason == "length":
        return _none("it was cut off")
    return read_opinion(output_contract.without_fence(response.text)) or _none(
        "its answer keeps no schema"
    )
