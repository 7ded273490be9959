"""A prompt and versions of it, written by somebody who may."""

from __future__ import annotations

from itertools import count
from typing import Any

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from prompts.catalogue import services
from prompts.catalogue.models import Prompt, PromptVersion
from tests.factories.ledger import NOW

_numbers = count(1)
CONTENT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You summarise letters."},
        {"role": "user", "content": "Letter: {{letter}}"},
    ],
    "variables": {
        "type": "object",
        "properties": {"letter": {"type": "string", "maxLength": 2000}},
        "required": ["letter"],
    },
    "output_contract": {"type": "text", "max_chars": 500},
    "parameters": {"temperature": "0.2", "max_tokens": 200},
}


def make_prompt(author: User, use_case: UseCase, name: str = "") -> Prompt:
    return services.create_prompt(
        actor=Actor.person(author),
        name=name or f"Prompt {next(_numbers)}",
        use_case=use_case,
        now=NOW,
    )


def make_version(author: User, prompt: Prompt, **changes: Any) -> PromptVersion:
    facts = CONTENT | {"changelog": "Written"} | changes
    return services.create_version(actor=Actor.person(author), prompt=prompt, now=NOW, **facts)
