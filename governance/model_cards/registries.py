"""What apps above say about a card on its page."""

from __future__ import annotations

from collections.abc import Callable

from governance.kernel.registries import Registry
from governance.model_cards.models import ModelCard

card_warnings: Registry[Callable[[ModelCard], list[str]]] = Registry("card warnings")
