"""What may the model see?"""

from __future__ import annotations

from governance.kernel.terms import RiskTier, Sensitivity, highest
from governance.policy.rules import obligations
from prompts.gateway import conversation, screens
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import InvalidRequest, RequestTooLarge

MOST_CHARACTERS = 400_000


def screen_input(context: CallContext) -> str:
    """Raise the sensitivity to what the content shows, replace personal data, note injections."""
    size = sum(len(text) for one in context.messages for text in conversation.texts(one))
    if size > MOST_CHARACTERS:
        raise RequestTooLarge(
            f"The request has {size:,} characters; at most {MOST_CHARACTERS:,} are taken."
        )
    context.sensitivity = _declared(context)
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    redactor = screens.Redactor(obligations(context.sensitivity, tier).redact)
    for number, message in enumerate(context.messages):
        for text in conversation.texts(message):
            for rule in screens.injections_in(text):
                context.note_finding("prompt_injection", "screen input", f"rule {rule}")
        context.messages[number] = conversation.rewritten(message, redactor.redact)
    _note_images(context)
    if redactor.counts:
        context.sensitivity = highest(context.sensitivity, Sensitivity.INTERNAL)
    context.redactions = dict(redactor.counts)
    context.placeholders = redactor.placeholders
    replaced = sum(redactor.counts.values())
    return f"{replaced} replaced, {len(context.findings)} findings"


def _note_images(context: CallContext) -> None:
    """No screen sees into an image: a person should look, and it is never public."""
    if found := conversation.image_urls(context.messages):
        context.sensitivity = highest(context.sensitivity, Sensitivity.INTERNAL)
        context.note_finding("image_not_screened", "screen input", f"{len(found)} image(s)")


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
