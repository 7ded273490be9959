"""What may the model see?"""

from __future__ import annotations

from governance.kernel.terms import RiskTier, Sensitivity, highest
from governance.policy.rules import obligations
from prompts.gateway import screens
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import InvalidRequest, RequestTooLarge

MOST_CHARACTERS = 400_000


def screen_input(context: CallContext) -> str:
    """Raise the sensitivity to what the content shows, replace personal data, note injections."""
    size = sum(len(message["content"]) for message in context.messages)
    if size > MOST_CHARACTERS:
        raise RequestTooLarge(
            f"The request has {size:,} characters; at most {MOST_CHARACTERS:,} are taken."
        )
    context.sensitivity = _declared(context)
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    redactor = screens.Redactor(obligations(context.sensitivity, tier).redact)
    for message in context.messages:
        for rule in screens.injections_in(message["content"]):
            context.note_finding("prompt_injection", "screen input", f"rule {rule}")
        message["content"] = redactor.redact(message["content"])
    if redactor.counts:
        context.sensitivity = highest(context.sensitivity, Sensitivity.INTERNAL)
    context.redactions = dict(redactor.counts)
    context.placeholders = redactor.placeholders
    replaced = sum(redactor.counts.values())
    return f"{replaced} replaced, {len(context.findings)} findings"


def _declared(context: CallContext) -> Sensitivity:
    """The use case's own, or more if the caller says so; never less."""
    floor = Sensitivity(context.known_use_case.sensitivity)
    given = context.request.sensitivity
    if not given:
        return floor
    if given not in list(Sensitivity):
        raise InvalidRequest(
            f"metadata.sensitivity is one of {', '.join(Sensitivity)}.", param="metadata"
        )
    return highest(floor, Sensitivity(given))
