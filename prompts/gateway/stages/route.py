"""Where may it go, and at what price?"""

from __future__ import annotations

from governance.kernel.terms import RiskTier, Sensitivity
from governance.model_cards import pricing
from governance.model_cards.selectors import callable_deployments, prices_on
from governance.policy.rules import obligations
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import (
    NoDeploymentAvailable,
    PriceUnknown,
    RequestTooLarge,
    SensitivityNotPermitted,
)

TOKENS_PER_MESSAGE = 8


def route(context: CallContext) -> str:
    """Deployments under the ceiling, in the release's order, each with today's price."""
    found = callable_deployments(context.known_release.deployment_ids)
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
    needed = most_input_tokens(context) + context.max_tokens
    fitting = [one for one in permitted if one.context_tokens >= needed // 2]
    if not fitting:
        raise RequestTooLarge("The request is longer than any deployment of this release takes.")
    context.deployments = fitting
    for one in fitting:
        try:
            context.prices[one.pk] = prices_on(one, context.received_at.date())
        except pricing.PriceUnknown as unknown:
            raise PriceUnknown(f"{unknown} Finance must set it before calls can be made.") from None
    return ", then ".join(one.name for one in fitting)


def most_input_tokens(context: CallContext) -> int:
    """An upper estimate: natural text has more than two characters a token."""
    return sum(len(one["content"]) // 2 + TOKENS_PER_MESSAGE for one in context.messages)
