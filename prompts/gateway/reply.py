"""What an entrance gets back, whatever shape it answers in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from governance.policy import tool_calls
from prompts.catalogue.models import PromptVersion
from prompts.gateway.context import CUT_OFF, CallContext
from prompts.gateway.refusals import ALL, Refusal
from prompts.gateway.restoring import as_delivered, delivered_again
from telemetry.ledger.models import Call
from telemetry.ledger.rules import ANSWERED_STATES, OPEN_STATES
from telemetry.ledger.services import visible_answer


@dataclass(frozen=True)
class GovernedReply:
    """The call as it stands. `answer` is None unless it may leave; `refusal` says why not.

    `overturned` is there once somebody decided otherwise afterwards: what stands, since when, and
    at which `url`.
    """

    call: Call | None
    answer: str | None
    refusal: Refusal | None = None
    rates: Mapping[str, str] = field(default_factory=dict)
    calls_tools: bool = False
    vectors: tuple[tuple[float, ...], ...] = ()
    overturned: Mapping[str, Any] | None = None
    is_by_people: bool = False
    # Of a call that was made before: what is to be said of it is not at hand, and is read.
    is_earlier: bool = False

    @property
    def tool_answer(self) -> dict[str, Any] | None:
        """The tools that the answer calls, where its contract is one of tools."""
        return tool_calls.answer_in(self.answer) if self.calls_tools and self.answer else None

    @property
    def state(self) -> str:
        return str(self.call.state) if self.call else "refused"

    @property
    def is_cut(self) -> bool:
        """Whether the answer is what the model wrote, and the model did not come to its end."""
        if self.call is None or self.is_by_people or self.state == "corrected":
            return False
        return any(one["code"] == CUT_OFF for one in self.call.findings)

    @property
    def is_degraded(self) -> bool:
        """No model answered: the answer is the text that was approved for that."""
        return self.state == "degraded"

    @property
    def is_held(self) -> bool:
        return self.state in ("held", "expired")

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def cost(self) -> Decimal:
        return self.call.cost if self.call else Decimal(0)


def reply_of(context: CallContext) -> GovernedReply:
    leaves = context.call is not None and context.call.state in ANSWERED_STATES
    answer = as_delivered(context) if leaves else None
    calls_tools = answer is not None and context.asked.tools is not None
    vectors = context.vectors if answer is not None else ()
    return GovernedReply(context.call, answer, context.refusal, context.rates, calls_tools, vectors)


def reply_of_earlier(call: Call, *, is_for_its_caller: bool = True) -> GovernedReply:
    """A settled call again: its answer if it may leave by now, its refusal if it was refused.

    Only its caller has values again where policy restores them.
    """
    answer = visible_answer(call)
    calls_tools = bool(answer) and _calls_tools(call)
    if answer is not None and is_for_its_caller:
        answer = delivered_again(call, answer)
    refusal = _refusal_of(call)
    return GovernedReply(call, answer, refusal, calls_tools=calls_tools, is_earlier=True)


def _calls_tools(call: Call) -> bool:
    version = PromptVersion.objects.filter(pk=call.prompt_version_id or 0)
    return version.filter(output_contract__type="tools").exists()


def _refusal_of(call: Call) -> Refusal | None:
    known = {kind.code: kind for kind in ALL}
    if not call.refusal_code:
        return None
    refusal = known.get(call.refusal_code, Refusal)(call.refusal_message)
    # What a later or earlier edition wrote keeps its own word.
    refusal.code = call.refusal_code
    return refusal
