"""May it leave, or does a person look first?"""

from __future__ import annotations

from governance.kernel.terms import Oversight, RiskTier
from governance.policy.rules import effective_oversight, must_hold
from prompts.gateway.context import CallContext
from prompts.gateway.intake import held_by_rule
from prompts.gateway.refusals import ContentBlocked


def dispose(context: CallContext) -> str:
    """Deliver, hold or block, by oversight mode, tier and findings."""
    if any(finding["code"] == "secret" for finding in context.findings):
        raise ContentBlocked("The answer holds something like a credential and was not delivered.")
    check_blocked(context, "screen output", "The answer was not delivered.")
    if context.request.trial is not None:
        return "is scored by Placet; nobody is given it"
    if context.vectors:
        # The board released it knowing this: numbers are nothing that a person could judge.
        return "may leave: an embedding is nothing that a person could read"
    use_case = context.known_use_case
    oversight = effective_oversight(
        Oversight(use_case.oversight), RiskTier(use_case.tier or RiskTier.HIGH)
    )
    decision = must_hold(
        oversight,
        findings=len(context.to_look_at),
        confidence=None,
        sample_share=use_case.sample_share,
        call_id=context.call_id,
    )
    context.hold_reason = decision.reason if decision.hold else held_by_rule(context)
    return context.hold_reason or "may leave"


def check_blocked(context: CallContext, stage: str, what: str) -> None:
    """Refuse what a rule of that stage says is to be blocked; the rule is named, the text is not."""
    for finding in context.findings:
        if finding["stage"] == stage and finding.get("action") == "block":
            raise ContentBlocked(f"It matches the {finding['detail']}. {what}")
