"""What apps above add to a prompt's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.kernel.registries import Registry
from prompts.catalogue.models import Prompt


@dataclass(frozen=True)
class PromptPanel:
    """A card on the prompt's page."""

    title: str
    order: int
    template: str
    context: Callable[[Prompt, User, datetime], dict[str, Any]]


prompt_panels: Registry[PromptPanel] = Registry("prompt panels")
