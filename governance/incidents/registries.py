"""What can be done at once; releases adds its roll-back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.kernel.authority import Actor
from governance.kernel.registries import Registry


@dataclass(frozen=True)
class Target:
    """Something a containment can act on."""

    identifier: int
    label: str


@dataclass(frozen=True)
class ContainmentKind:
    """Do it, undo it, describe it. `do` returns facts that `undo` may need."""

    code: str
    label: str
    effect: str
    targets: Callable[[], list[Target]]
    do: Callable[[int, Actor, str, datetime], dict[str, Any]]
    undo: Callable[[int, dict[str, Any], Actor, str, datetime], None]


containment_actions: Registry[ContainmentKind] = Registry("containment actions")
