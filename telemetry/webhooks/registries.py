"""Of what kinds of event an endpoint may hear. Whoever announces a kind adds it in its hooks.py."""

from __future__ import annotations

from dataclasses import dataclass

from governance.kernel.registries import Registry


@dataclass(frozen=True)
class EventKind:
    """`label` for the form, `help_text` says when it is sent and what is in it."""

    label: str
    help_text: str


event_kinds: Registry[EventKind] = Registry("webhook event kinds")
