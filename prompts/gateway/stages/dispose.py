"""May it leave, or does a person look first?"""

from __future__ import annotations

from governance.kernel.terms import Oversight, RiskTier
from governance.policy.rules import effective_oversight, must_hold
from prompts.gateway.context import CallContext
from prompts.gateway.intake import held_by_rule
from prompts.gateway.refusals import ContentBlocked
from prompts.gateway.verdicts import NO_VERDICT

HELD_BY_VERDICT = {
    "doubt": "A second model doubts the answer.",
    "fail": "A second model says that the answer fails.",
    NO_VERDICT: "No second model could judge the answer.",
}


def dispose(context: CallContext) -> str:
    """Deliver, hold or block, by oversight mode, tier and findings."""
    if any(finding["code"] == "secret" for finding in context.findings):
        raise ContentBlocked("The answer holds something like a credential and was not delivered.")
    check_blocked(context, "screen output", "The answer was not delivered.")
    if context.request.trial is not None:
        return "is scored by Placet; nobody is given it"
    check_judged(context)
    if context.vectors:
        # The board released it knowing this: numbers are nothing that a person could judge.
        return "may leave: an embedding is nothing that a person could read"
    use_case = context.known_use_case
    oversight = effective_oversight(
        Oversight(use_case.oversight), RiskTier(use_case.tier or RiskTier.HIGH)
    )
    decision = must_hold(
        oversight,
        findings=sum(one["code"] != "verdict" for one in context.to_look_at),
        confidence=context.confidence,
        sample_share=use_case.sample_share,
        call_id=context.call_id,
    )
    otherwise = decision.reason if decision.hold else held_by_rule(context)
    context.hold_reason = " ".join(filter(None, (_asked_by_release(context), otherwise)))
    return context.hold_reason or "may leave"


def _asked_by_release(context: CallContext) -> str:
    """Why the release wants a person to look, whatever the oversight; empty if it does not."""
    if any(one["code"] == "verdict" and one["action"] == "hold" for one in context.findings):
        verdict = context.opinion.verdict if context.opinion else NO_VERDICT
        return HELD_BY_VERDICT[verdict]
    below = context.checks.hold_below_percent
    if not below:
        return ""
    if context.confidence is None:
        return "How sure the answer is, is not known, and the release holds what is not sure."
    if context.confidence * 100 < below:
        return f"The confidence of the answer is {context.confidence}, below {below} %."
    return ""


def check_judged(context: CallContext) -> None:
    """Refuse what the release says is not to leave on that verdict."""
    if any(one["code"] == "verdict" and one["action"] == "block" for one in context.findings):
        raise ContentBlocked(
            "A second model judged the answer, and the release says that it is not delivered."
        )


def check_blocked(context: CallContext, stage: str, what: str) -> None:
    """Refuse what a rule of that stage says is to be blocked; the rule is named, the text is not."""
    for finding in context.findings:
        if finding["stage"] == stage and finding.get("action") == "block":
            raise ContentBlocked(f"It matches the {finding['detail']}. {what}")
