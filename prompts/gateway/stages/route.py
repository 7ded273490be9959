"""Where may it go, and at what price?"""

from __future__ import annotations

from datetime import date

from governance.kernel.terms import RiskTier, Sensitivity
from governance.model_cards import pricing
from governance.model_cards.models import Deployment
from governance.policy.rules import obligations
from prompts.gateway import conversation
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import (
    NoDeploymentAvailable,
    PriceUnknown,
    RequestTooLarge,
    SensitivityNotPermitted,
    UnsupportedParameter,
)
from prompts.gateway.waiting import BESIDE, elsewhere
from telemetry.chargeback.selectors import tokens_of_month


def route(context: CallContext) -> str:
    """Deployments under the ceiling, in the release's order, each with today's price."""
    found = context.known_governing.callable(context.known_release)
    if not found:
        raise NoDeploymentAvailable(
            "No deployment of this release can be called now: its model card or approval is not "
            "in force, or it is suspended.",
            retry_after_seconds=30,
        )
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    hosting = obligations(context.sensitivity, tier).hosting
    permitted = [
        one
        for one in found
        if Sensitivity(one.sensitivity_ceiling).permits(context.sensitivity)
        and one.hosting in hosting
    ]
    if not permitted:
        raise SensitivityNotPermitted(
            f"No deployment of this release may see {context.sensitivity} content."
        )
    permitted = _seeing(context, permitted)
    needed = _longest_tokens(context)
    fitting = [one for one in permitted if one.context_tokens >= needed // 2]
    if not fitting:
        raise RequestTooLarge("The request is longer than any deployment of this release takes.")
    context.deployments = fitting
    for one in fitting:
        try:
            context.prices[one.pk] = prices_of(context, one)
        except pricing.PriceUnknown as unknown:
            raise PriceUnknown(f"{unknown} Finance must set it before calls can be made.") from None
    return ", then ".join(one.name for one in fitting)


def prices_of(context: CallContext, deployment: Deployment) -> pricing.PriceList:
    """As of the call's admission, also for a worker that runs it later: its hold fits its bill.

    The tier is that of the tokens booked this month before the call was let in; calls that run
    at the same time each have the price that they began with. A kind that may occur and has no
    price raises PriceUnknown here, before anybody is asked.
    """
    at = context.call.admitted_at if context.call else context.received_at
    volume = 0
    if context.known_governing.has_tiers(deployment):
        volume = _volume(context, deployment, at.date())
    found = context.known_governing.prices_on(deployment, at.date(), volume)
    found.ceiling(1, context.max_tokens, len(conversation.image_urls(context.messages)))
    return found


def _volume(context: CallContext, deployment: Deployment, day: date) -> int:
    name = str(deployment.pk)
    for stage in context.trail:
        if name in stage.get("volumes", {}):
            return int(stage["volumes"][name])
    volume = elsewhere(BESIDE, tokens_of_month, deployment.pk, day)
    if context.trail:
        context.trail[-1].setdefault("volumes", {})[name] = volume
    return volume


def _seeing(context: CallContext, permitted: list[Deployment]) -> list[Deployment]:
    """With images, those deployments alone that were approved for them."""
    if not conversation.image_urls(context.messages):
        return permitted
    seeing = [one for one in permitted if one.takes_images]
    if not seeing:
        raise UnsupportedParameter(
            "No deployment that this call may use takes images; send the messages without them.",
            param="messages",
        )
    return seeing


def _longest_tokens(context: CallContext) -> int:
    """What has to fit at once: the whole call; of texts for embeddings the longest."""
    if context.request.inputs:
        return max(conversation.most_tokens([one]) for one in context.messages)
    return most_input_tokens(context) + context.max_tokens


def most_input_tokens(
    context: CallContext, messages: list[conversation.Message] | None = None
) -> int:
    """An upper estimate, with the tools and the answer's schema that the model is told of."""
    asked = context.messages if messages is None else messages
    schema = context.contract.get("schema")
    return conversation.most_tokens(asked, context.asked.tools, schema)
