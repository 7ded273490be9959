"""Which approved words go to the model?"""

from __future__ import annotations

from governance.approvals.models import Approval
from governance.kernel.terms import Environment
from prompts.catalogue.rendering import render, value_problems
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import (
    ApprovalNotInForce,
    InvalidRequest,
    InvalidVariables,
    ModelNotFound,
    NoApprovedRelease,
    UnsupportedParameter,
)
from prompts.releases.models import Release
from prompts.releases.selectors import running_releases

DEFAULT_MAX_TOKENS = 512
CALLER_PARAMETERS = {"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"}


def compose(context: CallContext) -> str:
    """Choose the release, check its approval for this exact digest, fill in the variables."""
    release = _release(context)
    _check_approval(release.approval, release, context)
    context.release = release
    context.messages = _messages(release, context)
    context.max_tokens = _max_tokens(release, context)
    return str(release)


def _release(context: CallContext) -> Release:
    slug = context.request.model.partition("/")[2]
    running = running_releases(
        context.known_use_case, Environment(context.request.environment), context.received_at
    )
    if not running:
        raise NoApprovedRelease(
            "No prompt release of this use case is in force. Its team must propose one and the "
            "board approve it."
        )
    if not slug and len(running) > 1:
        names = ", ".join(f"{context.known_use_case.slug}/{one.prompt.slug}" for one in running)
        raise ModelNotFound(f"Say which prompt: {names}.", param="model")
    chosen = [one for one in running if not slug or one.prompt.slug == slug]
    if not chosen:
        raise ModelNotFound(f"This use case has no prompt “{slug}” in force.", param="model")
    return chosen[0]


def _check_approval(approval: Approval, release: Release, context: CallContext) -> None:
    is_valid = approval.valid_from <= context.received_at < approval.valid_until
    if approval.state != "in_force" or not is_valid or approval.digest != release.digest:
        raise ApprovalNotInForce(
            f"The approval of {release} is {approval.state.replace('_', ' ')}. "
            "Its signatories can say why and put it back in force."
        )


def _messages(release: Release, context: CallContext) -> list[dict[str, str]]:
    version = release.version
    problems = value_problems(version.variables, context.request.variables)
    if problems:
        raise InvalidVariables(
            "The variables do not fit the prompt: " + " ".join(problems), param="variables"
        )
    messages = render(version.messages, context.request.variables)
    if context.request.messages and not version.takes_caller_messages:
        raise InvalidRequest(
            "This prompt takes no messages of the caller. Send its variables instead, in the "
            "extra body field “variables”, and an empty list of messages.",
            param="messages",
        )
    return messages + context.request.messages


def _max_tokens(release: Release, context: CallContext) -> int:
    unknown = context.request.parameters.keys() - CALLER_PARAMETERS
    if unknown:
        name = sorted(unknown)[0]
        raise UnsupportedParameter(f"“{name}” is not supported here; leave it out.", param=name)
    limit = int(release.version.parameters.get("max_tokens", DEFAULT_MAX_TOKENS))
    asked = context.request.parameters.get("max_completion_tokens") or (
        context.request.parameters.get("max_tokens")
    )
    if asked is None:
        return limit
    if not isinstance(asked, int) or isinstance(asked, bool) or asked < 1:
        raise InvalidRequest("max_tokens is a whole number of at least 1.", param="max_tokens")
    return min(asked, limit)
