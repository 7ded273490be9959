"""Which approved words go to the model?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from governance.approvals.models import Approval
from governance.kernel.terms import Environment
from governance.policy.output_contract import EMBEDDING
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.rendering import render, value_problems
from prompts.gateway.asked import asked_of, embedding_of
from prompts.gateway.context import CallContext
from prompts.gateway.conversation import image_urls
from prompts.gateway.refusals import (
    ApprovalNotInForce,
    InvalidRequest,
    InvalidVariables,
    ModelNotFound,
    NoApprovedRelease,
    UnsupportedParameter,
)
from prompts.gateway.trials import release_of_trial
from prompts.releases.models import Release


def compose(context: CallContext) -> str:
    """Choose the release, check its approval for this exact digest, fill in the variables."""
    if context.request.trial is not None:
        release = release_of_trial(context)
    else:
        release = _release(context)
        _check_approval(release.approval, release, context)
    context.release = release
    context.messages = _messages(release, context)
    version = release.version
    if context.request.inputs:
        context.asked = embedding_of(version.output_contract, context.request.parameters)
        return str(release)
    context.asked = asked_of(
        version.parameters, version.output_contract, context.request.parameters
    )
    if (trial := context.request.trial) is not None:
        seeded = {"seed": trial.seed} | context.asked.parameters
        context.asked = replace(context.asked, parameters=seeded)
    if context.request.mode == "async":
        _check_can_wait(context, version)
    return str(release)


def _check_can_wait(context: CallContext, version: PromptVersion) -> None:
    """A worker asks with the messages that were kept: what else was asked would be dropped."""
    own = asked_of(version.parameters, version.output_contract, {})
    for name, value in context.request.parameters.items():
        if asked_of(version.parameters, version.output_contract, {name: value}) != own:
            raise UnsupportedParameter(
                f"“{name}” is taken only where the answer is waited for; leave it out.", param=name
            )
    if image_urls(context.messages):
        raise UnsupportedParameter(
            "Images are not kept, so they are taken only where the answer is waited for.",
            param="messages",
        )


def _release(context: CallContext) -> Release:
    slug = context.request.model.partition("/")[2]
    environment = Environment(context.request.environment)
    running = context.known_governing.running(environment, context.received_at)
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


def _messages(release: Release, context: CallContext) -> list[dict[str, Any]]:
    version = release.version
    makes_embeddings = version.output_contract.get("type") == EMBEDDING
    if makes_embeddings != bool(context.request.inputs):
        right = "embeddings" if makes_embeddings else "chat/completions"
        raise InvalidRequest(f"This prompt is asked at /v1/{right}.", param="model")
    if makes_embeddings:
        return [{"role": "user", "content": one} for one in context.request.inputs]
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
    return [*messages, *context.request.messages]
