"""What was typed for a new version: kept as text until it is content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from governance.kernel.errors import Invalid
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.parameters import (
    CALLER_MAY_SET,
    DEFAULT_SETTABLE,
    PARAMETERS,
    SETTABLE,
    caller_may_set,
)
from prompts.catalogue.rendering import Message, names_used

NO_VARIABLES: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
EMPTY: Message = {"role": "user", "content": ""}
STARTING: list[Message] = [{"role": "system", "content": ""}, dict(EMPTY)]


@dataclass
class VersionDraft:
    """The fields of the form as texts. `samples` are values to preview it with, by name."""

    messages: list[Message]
    variables: str
    contract_type: str = "text"
    max_chars: str = ""
    labels: str = ""
    schema: str = ""
    tools: str = ""
    dimensions: str = ""
    text_allowed: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    caller_may_set: list[str] = field(default_factory=lambda: [*DEFAULT_SETTABLE])
    takes_caller_messages: bool = False
    changelog: str = ""
    samples: dict[str, str] = field(default_factory=dict)

    def add_message(self) -> None:
        """One more, in the role whose turn it is."""
        last = self.messages[-1]["role"] if self.messages else ""
        self.messages.append({"role": "assistant" if last == "user" else "user", "content": ""})

    def remove_message(self, index: int) -> None:
        if 0 <= index < len(self.messages):
            del self.messages[index]

    def leave_out_empty(self) -> None:
        """So that a problem's number is the number of the row that is shown."""
        self.messages = [one for one in self.messages if one["content"].strip()] or [dict(EMPTY)]

    def declare_used(self) -> None:
        """A text property for every variable that is used and has none; needs a valid schema."""
        schema = _object(self.variables, "variables")
        properties = schema.setdefault("properties", {})
        required = schema.setdefault("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise Invalid("", fields={"variables": ["properties is an object, required a list."]})
        for name in sorted(names_used(self.messages) - set(properties)):
            properties[name] = {"type": "string", "maxLength": 20_000}
            required.append(name)
        self.variables = _pretty(schema)

    def content(self) -> dict[str, Any]:
        """What the service takes. Raises Invalid beside each field that cannot be read."""
        problems: dict[str, list[str]] = {}
        own = {name: text for name, text in self.parameters.items() if text.strip()}
        content: dict[str, Any] = {
            "messages": [one for one in self.messages if one["content"].strip()],
            "parameters": own | {CALLER_MAY_SET: self.caller_may_set},
            "takes_caller_messages": self.takes_caller_messages,
        }
        for name, read in (("variables", self._variables), ("output_contract", self._contract)):
            try:
                content[name] = read()
            except Invalid as invalid:
                problems |= invalid.fields
        if problems:
            sentences = " ".join(one for listed in problems.values() for one in listed)
            raise Invalid(f"Nothing was saved. {sentences}", fields=problems)
        return content

    def _variables(self) -> dict[str, Any]:
        return _object(self.variables, "variables")

    def _contract(self) -> dict[str, Any]:
        contract: dict[str, Any] = {"type": self.contract_type}
        if self.contract_type == "text" and (most := self.max_chars.strip()):
            contract["max_chars"] = int(most) if _is_whole(most) else most
        if self.contract_type == "labels":
            contract["labels"] = [one.strip() for one in self.labels.splitlines() if one.strip()]
        if self.contract_type == "json_schema":
            contract["schema"] = _object(self.schema, "output_contract")
        if self.contract_type == "tools":
            contract["tools"] = _list(self.tools, "output_contract")
            contract |= {"text_allowed": True} if self.text_allowed else {}
        if self.contract_type == "embedding" and self.dimensions.strip():
            named = self.dimensions.replace(",", " ").split()
            contract["dimensions"] = [int(one) if _is_whole(one) else one for one in named]
        return contract

    def sample_values(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The samples as values: text stays text where the schema takes it, else it is JSON."""
        declared = variables.get("properties", {})
        return {
            name: _value(text, declared[name])
            for name, text in self.samples.items()
            if name in declared and text
        }


def draft_of(version: PromptVersion | None) -> VersionDraft:
    """Begins as the version before it, or empty."""
    if version is None:
        return VersionDraft([dict(one) for one in STARTING], _pretty(NO_VARIABLES))
    contract = version.output_contract
    return VersionDraft(
        messages=[dict(one) for one in version.messages],
        variables=_pretty(version.variables),
        contract_type=contract.get("type", "text"),
        max_chars=str(contract.get("max_chars", "")),
        labels="\n".join(contract.get("labels", [])),
        schema=_pretty(contract["schema"]) if "schema" in contract else "",
        tools=_pretty(contract["tools"]) if "tools" in contract else "",
        dimensions=", ".join(str(one) for one in contract.get("dimensions", [])),
        text_allowed=bool(contract.get("text_allowed")),
        parameters={
            name: str(value) for name, value in version.parameters.items() if name != CALLER_MAY_SET
        },
        caller_may_set=[*caller_may_set(version.parameters)],
        takes_caller_messages=version.takes_caller_messages,
    )


def draft_from(posted: QueryDict) -> VersionDraft:
    """As it was sent."""
    pairs = zip(posted.getlist("role"), posted.getlist("content"), strict=False)
    return VersionDraft(
        messages=[{"role": role, "content": _lines(text)} for role, text in pairs],
        variables=_lines(posted.get("variables", "")),
        contract_type=posted.get("contract_type", "text"),
        max_chars=posted.get("max_chars", ""),
        labels=_lines(posted.get("labels", "")),
        schema=_lines(posted.get("schema", "")),
        tools=_lines(posted.get("tools", "")),
        dimensions=posted.get("dimensions", ""),
        text_allowed=posted.get("text_allowed") == "yes",
        parameters={one.name: posted.get(one.name, "") for one in PARAMETERS},
        caller_may_set=_ticked(posted),
        takes_caller_messages=posted.get("takes_caller_messages") == "yes",
        changelog=posted.get("changelog", ""),
        samples={
            name.removeprefix("sample-"): _lines(posted.get(name, ""))
            for name in posted
            if name.startswith("sample-")
        },
    )


def _is_whole(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


def _ticked(posted: QueryDict) -> list[str]:
    """What callers may set; a form that never asked says nothing."""
    if "asks_caller_may_set" not in posted:
        return [*DEFAULT_SETTABLE]
    ticked = posted.getlist(CALLER_MAY_SET)
    return [name for name in SETTABLE if name in ticked]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as problem:
        raise Invalid("", fields={name: [f"This is not valid JSON: {problem}."]}) from None
    if not isinstance(value, dict):
        raise Invalid("", fields={name: ["Write a JSON object: { … }."]})
    return value


def _list(text: str, name: str) -> list[Any]:
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError) as problem:
        raise Invalid("", fields={name: [f"This is not valid JSON: {problem}."]}) from None
    if not isinstance(value, list):
        raise Invalid("", fields={name: ["Write a JSON list of tools: [ … ]."]})
    return value


def _value(text: str, rules: Any) -> Any:
    kinds = rules.get("type", "string") if isinstance(rules, dict) else "string"
    if "string" in ([kinds] if isinstance(kinds, str) else kinds):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
