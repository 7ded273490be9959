"""What may the model see?"""

from __future__ import annotations

from collections.abc import Iterator

from governance.kernel.terms import RiskTier, Sensitivity, highest
from governance.policy.matching import RuleMatch, raised
from governance.policy.screening import replaced
from prompts.gateway import conversation
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import InvalidRequest, RequestTooLarge
from prompts.gateway.stages.dispose import check_blocked

MOST_CHARACTERS = 400_000
STAGE = "screen input"


def screen_input(context: CallContext) -> str:
    """Match the rules, raise the sensitivity to what the content shows, replace personal data."""
    size = sum(len(text) for one in context.messages for text in conversation.texts(one))
    if size > MOST_CHARACTERS:
        raise RequestTooLarge(
            f"The request has {size:,} characters; at most {MOST_CHARACTERS:,} are taken."
        )
    matches = _match_rules(context)
    context.sensitivity = raised(matches, _declared(context))
    check_blocked(context, STAGE, "Nothing was sent to a model.")
    _note_images(context)
    replaced_count = _replace(context)
    return f"{replaced_count} replaced, {len(context.findings)} findings"


def _match_rules(context: CallContext) -> list[RuleMatch]:
    """Every rule that finds something in what the caller brought, noted once."""
    screening = context.known_governing.screening
    found: dict[tuple[str, str], RuleMatch] = {}
    for source, text in _brought(context):
        for match in screening.scan(text, source):
            found.setdefault((match.rule_set, match.rule.key), match)
    codes = {one.slug: one.screen for one in screening.sets}
    for match in found.values():
        context.note_match(_CODES[codes[match.rule_set]], STAGE, match)
    return list(found.values())


_CODES = {"injection": "prompt_injection", "block_list": "block_list", "answer": "block_list"}


def _brought(context: CallContext) -> Iterator[tuple[str, str]]:
    """Source and text of what was not approved: variables and messages, not the prompt itself.

    What tools answered, and what the caller says that the model said, may come from anywhere.
    """
    for value in context.request.variables.values():
        for text in conversation.texts_in(value):
            yield "user", text
    for text in context.request.inputs:
        yield "user", text
    for message in context.request.messages:
        source = "user" if message["role"] == "user" else "tool"
        for text in conversation.texts(message):
            yield source, text


def _replace(context: CallContext) -> int:
    """Personal data by placeholders that are the same throughout the call; how many."""
    tier = RiskTier(context.known_use_case.tier or RiskTier.HIGH)
    texts: list[str] = []

    def read(text: str) -> str:
        texts.append(text)
        return text

    for message in context.messages:
        conversation.rewritten(message, read)
    shown = replaced(context.known_governing.screening, texts, context.sensitivity, tier)
    changed = dict(zip(texts, shown.texts))
    context.messages = [
        conversation.rewritten(message, lambda text: changed[text]) for message in context.messages
    ]
    context.sensitivity = shown.sensitivity
    context.redactions = dict(shown.redactor.counts)
    context.placeholders = shown.redactor.placeholders
    return sum(context.redactions.values())


def _note_images(context: CallContext) -> None:
    """No screen sees into an image: a person should look, and it is never public."""
    if found := conversation.image_urls(context.messages):
        context.sensitivity = highest(context.sensitivity, Sensitivity.INTERNAL)
        context.note_finding("image_not_screened", STAGE, f"{len(found)} image(s)")


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
