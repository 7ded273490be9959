"""What the intake rules ask of a call that would leave."""

from __future__ import annotations

from prompts.gateway.context import CallContext
from reviews.intake.routing import why_held
from reviews.intake.rules import CallFacts
from reviews.intake.selectors import findings_of


def held_by_rule(context: CallContext) -> str:
    """Why a rule holds the answer; empty if none does. The rules were read with what governs."""
    rules = context.governing.intake if context.governing else ()
    if not rules:
        return ""
    use_case = context.known_use_case
    facts = CallFacts(
        call_id=context.call_id,
        use_case=use_case.slug,
        tier=use_case.tier or "high",
        sensitivity=context.sensitivity.value,
        mode="internal" if context.request.person else context.request.mode,
        findings=findings_of(context.findings),
        confidence=context.confidence,
    )
    return why_held(rules, facts)
