"""Is the answer fit to be looked at? Contract, leaks, secrets; one repair where the contract fails."""

from __future__ import annotations

from governance.policy import output_contract, tool_calls
from governance.policy.rules import PERSONAL
from prompts.gateway import screens
from prompts.gateway.context import CUT_OFF, REPAIR, CallContext
from prompts.gateway.embeddings import check_vectors
from prompts.gateway.providers import ProviderError
from prompts.gateway.refusals import OutputContractFailed
from prompts.gateway.restoring import as_delivered, note_restored
from prompts.gateway.stages.invoke import answer_of, ask


def screen_output(context: CallContext) -> str:
    """Check the contract (one repair attempt), then what the text gives away."""
    if context.request.inputs:
        return check_vectors(context)
    context.output = output_contract.without_fence(context.output)
    errors = _problems(context)
    note = "keeps its contract"
    if errors:
        note = _repair(context, errors)
    if context.is_cut:
        context.note_finding(CUT_OFF, "screen output", f"after {context.max_tokens} tokens")
        note = f"cut off after {context.max_tokens} tokens"
    _note_leaks(context)
    return ", ".join(filter(None, (note, note_restored(context))))


def _problems(context: CallContext) -> list[str]:
    """Why the answer does not keep its contract. Half an answer is never read as a whole one."""
    if context.is_cut and context.contract.get("type", "text") != "text":
        return [f"It was cut off after {context.max_tokens} tokens: the whole must be shorter."]
    errors = output_contract.check(context.contract, context.output).errors
    if errors and output_contract.check(context.contract, as_delivered(context)).ok:
        # Where an address is asked for, its placeholder is none. The errors go to the model, so
        # they are never those of the text with the values in it.
        return []
    return errors


def _repair(context: CallContext, errors: list[str]) -> str:
    """One more attempt that is told what does not fit; the same deployment, a hold of its own."""
    messages = [
        *context.messages,
        {"role": "assistant", "content": context.output},
        {"role": "user", "content": output_contract.repair_instruction(context.contract, errors)},
    ]
    used = context.attempts[-1].deployment
    context.purpose = REPAIR
    try:
        response = ask(context, context.deployments.index(used), messages)
    except ProviderError:
        raise _failed(errors) from None
    finally:
        context.purpose = ""
    context.output = output_contract.without_fence(answer_of(context, response))
    if still := _problems(context):
        raise _failed(still, is_cut=context.is_cut)
    context.note_finding("repaired_output", "screen output", "kept its contract at the second try")
    return "keeps its contract after one repair"


def _failed(errors: list[str], *, is_cut: bool = False) -> OutputContractFailed:
    cut = " The model was cut off at the most tokens that it is given." if is_cut else ""
    return OutputContractFailed(
        f"The model's answer does not keep the output contract, also after one repair "
        f"({len(errors)} problems).{cut} It was booked, and not delivered."
    )


def _note_leaks(context: CallContext) -> None:
    said = tool_calls.without_ids(context.output) if context.asked.tools else context.output
    if screens.PLACEHOLDER.search(as_delivered(context, said)):
        context.note_finding(
            "leaked_placeholder", "screen output", "a placeholder is in the answer"
        )
    if screens.SECRETS.search(said):
        context.note_finding("secret", "screen output", "something like a credential")
    screening = context.known_governing.screening
    for match in screening.scan(said, "answer"):
        context.note_match("content_rule", "screen output", match)
    found = screens.find_personal_data(said, PERSONAL, screening)
    if found:
        kinds = ", ".join(sorted({one.entity for one in found}))
        context.note_finding("personal_data", "screen output", kinds)
