"""No model answers: the text that was approved for that, said to be one, or the refusal."""

from __future__ import annotations

from governance.policy import output_contract
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import (
    NoDeploymentAvailable,
    ProviderFailed,
    ProviderTimedOut,
    Refusal,
)

NOBODY_ANSWERS = (NoDeploymentAvailable, ProviderFailed, ProviderTimedOut)


def degrade(context: CallContext, refusal: Refusal) -> None:
    """Deliver the use case's fallback text in place of this refusal, or refuse.

    It goes out only where no model answered, nothing of an answer has left, and the text keeps
    the contract: a caller who parses the answer can still do so. Work of Placet's own is refused.
    """
    text = _fallback(context, refusal)
    if not text:
        context.refusal = refusal
        return
    with context.stage("degrade") as entry:
        context.is_degraded, context.output, context.hold_reason = True, text, ""
        entry["note"] = f"the approved text, because: {refusal.code.replace('_', ' ')}"


def _fallback(context: CallContext, refusal: Refusal) -> str:
    if not isinstance(refusal, NOBODY_ANSWERS) or context.first_token_ms is not None:
        return ""
    if context.governing is None or context.release is None:
        return ""
    if context.request.person is not None or context.request.mode == "internal":
        return ""  # Whoever asks from inside wants to know, and asks again.
    text = context.governing.fallback(context.received_at)
    return text if text and output_contract.check(context.contract, text).ok else ""
