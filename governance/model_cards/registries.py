"""What apps above say about a card on its page, and where they lead from a deployment's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from governance.kernel.registries import Registry
from governance.model_cards.models import ModelCard

card_warnings: Registry[Callable[[ModelCard], list[str]]] = Registry("card warnings")


@dataclass(frozen=True)
class DeploymentLink:
    """A page about one deployment; its address takes the short name."""

    label: str
    url_name: str


deployment_links: Registry[DeploymentLink] = Registry("deployment links")
