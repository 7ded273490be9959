"""What is asked of a model beside its messages: the release decides, the caller where it may.

A parameter that the release does not allow is refused by name, never dropped. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.policy.tool_calls import NO_ARGUMENTS, argument_schemas
from prompts.catalogue.parameters import STOP, as_sent, caller_may_set, caller_problem
from prompts.gateway.equal_schemas import same_schema
from prompts.gateway.refusals import InvalidRequest, UnsupportedParameter

DEFAULT_MAX_TOKENS = 512
# Says nothing that a provider would not do without it.
NEUTRAL: dict[str, Any] = {"presence_penalty": 0, "frequency_penalty": 0}
DECIDED = "The release decides it, and its team changes it by a new version."


@dataclass(frozen=True)
class Asked:
    """The parameters as a provider takes them, and the contract that the answer must keep."""

    max_tokens: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    contract: dict[str, Any] = field(default_factory=dict)

    @property
    def tools(self) -> list[dict[str, Any]] | None:
        return self.contract["tools"] if self.contract.get("type") == "tools" else None


def asked_of(own: Mapping[str, Any], contract: dict[str, Any], caller: Mapping[str, Any]) -> Asked:
    """A version's parameters and contract with what its caller asks for. Raises a Refusal."""
    left = dict(caller)
    chosen = _tools(contract, left)
    options = _tool_options(chosen, left)
    _check_format(contract, left.pop("response_format", None))
    most = _most_tokens(own, left)
    parameters = as_sent(own) | _sampling(own, left)
    return Asked(most, parameters | options, chosen)


def embedding_of(contract: dict[str, Any], caller: Mapping[str, Any]) -> Asked:
    """An embedding is asked for as its contract has it; a caller chooses among its dimensions."""
    wanted = caller.get("dimensions")
    if wanted is None:
        return Asked(contract=contract)
    allowed = contract.get("dimensions", [])
    if not allowed:
        raise _refused("dimensions")
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted not in allowed:
        named = ", ".join(str(one) for one in allowed)
        raise UnsupportedParameter(f"“dimensions” is one of {named}. {DECIDED}", param="dimensions")
    return Asked(parameters={"dimensions": wanted}, contract=contract)


def _most_tokens(own: Mapping[str, Any], left: dict[str, Any]) -> int:
    """The fewer of the version's and the caller's, whose two names for it are taken."""
    limit = int(own.get("max_tokens", DEFAULT_MAX_TOKENS))
    fewest = limit
    for name in ("max_completion_tokens", "max_tokens"):
        if name in left:
            asked = left.pop(name)
            if asked != limit and "max_tokens" not in caller_may_set(own):
                raise _refused(name)
            if problem := caller_problem("max_tokens", asked):
                raise InvalidRequest(problem, param=name)
            fewest = min(fewest, asked)
    return fewest


def _sampling(own: Mapping[str, Any], left: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller sets, if it may; what the version says anyway, or says nothing, may stand."""
    settable, sent = caller_may_set(own), as_sent(own)
    for name, value in left.items():
        is_same = name in sent and sent[name] == value and not isinstance(value, bool)
        if name in settable:
            if problem := caller_problem(name, value):
                raise InvalidRequest(problem, param=name)
        elif not is_same and NEUTRAL.get(name, "") != value:
            raise _refused(name)
    return {
        name: [value] if name == STOP and isinstance(value, str) else value
        for name, value in left.items()
        if name in settable
    }


def _refused(name: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"“{name}” is not for callers of this prompt to set; leave it out. {DECIDED}", param=name
    )


def _tools(contract: dict[str, Any], left: dict[str, Any]) -> dict[str, Any]:
    """The contract with those of its tools that the caller names; all of them if it names none."""
    named = left.pop("tools", None)
    if named is None or named == []:
        return contract
    if contract.get("type") != "tools":
        raise UnsupportedParameter(
            f"This prompt calls no tools; leave “tools” out. {DECIDED}", param="tools"
        )
    wanted = {_allowed_name(one, argument_schemas(contract)) for one in named}
    chosen = [one for one in contract["tools"] if one["function"]["name"] in wanted]
    return contract | {"tools": chosen}


def _allowed_name(tool: Any, allowed: Mapping[str, dict[str, Any]]) -> str:
    """The name of a tool that the caller describes as the release does."""
    function = tool.get("function") if isinstance(tool, dict) else None
    given: dict[str, Any] = function if isinstance(function, dict) else {}
    name = given.get("name")
    if not isinstance(name, str) or name not in allowed:
        raise UnsupportedParameter(
            f"“tools” may only name what the release allows: {', '.join(allowed)}.", param="tools"
        )
    if not same_schema(given.get("parameters", NO_ARGUMENTS), allowed[name]):
        raise UnsupportedParameter(
            f"The parameters of the tool “{name}” are not those of the release; leave “tools” out, "
            f"or send them as they are there. {DECIDED}",
            param="tools",
        )
    return name


def _tool_options(contract: Mapping[str, Any], left: dict[str, Any]) -> dict[str, Any]:
    """How tools are chosen. Where the answer must be a call, the provider is told so."""
    names = ("tool_choice", "parallel_tool_calls")
    given: dict[str, Any] = {name: left.pop(name) for name in names if name in left}
    if contract.get("type") != "tools":
        if given.get("tool_choice") == "none":
            given.pop("tool_choice")
        for name in given:
            raise UnsupportedParameter(
                f"This prompt calls no tools; leave “{name}” out. {DECIDED}", param=name
            )
        return {}
    parallel = given.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        raise InvalidRequest("parallel_tool_calls is true or false.", param="parallel_tool_calls")
    if "tool_choice" not in given:
        return given if contract.get("text_allowed") else given | {"tool_choice": "required"}
    _check_choice(contract, given["tool_choice"])
    return given


def _check_choice(contract: Mapping[str, Any], choice: Any) -> None:
    if choice == "none" and not contract.get("text_allowed"):
        raise UnsupportedParameter(
            f"This prompt always calls a tool: “tool_choice” cannot be none. {DECIDED}",
            param="tool_choice",
        )
    if isinstance(choice, str) and choice in ("auto", "required", "none"):
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or name not in argument_schemas(contract):
        raise UnsupportedParameter(
            "“tool_choice” is auto, required, none, or the name of an allowed tool.",
            param="tool_choice",
        )


def _check_format(contract: Mapping[str, Any], wanted: Any) -> None:
    """The form of the answer is the release's; a caller may say what it is anyway."""
    if wanted is None:
        return
    kind, given = contract.get("type", "text"), wanted.get("type")
    named = wanted.get("json_schema")
    is_same = {
        "text": kind != "json_schema",
        "json_object": kind == "json_schema",
        "json_schema": kind == "json_schema"
        and isinstance(named, dict)
        and same_schema(named.get("schema"), contract["schema"]),
    }
    if not is_same.get(given if isinstance(given, str) else "", False):
        raise UnsupportedParameter(
            "“response_format” asks for another form of answer than the release's output "
            f"contract; leave it out, or send the same schema. {DECIDED}",
            param="response_format",
        )
