"""The price table that litellm ships, read as data; litellm itself is not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from governance.kernel.errors import Invalid
from governance.model_cards.pricing import MILLION, NINE_PLACES

PRICE_TABLE = "model_prices_and_context_window_backup.json"
CURRENCY = "USD"
_FIELDS = {
    "input": "input_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
    "image": "input_cost_per_image",
}
# Prices of other service tiers, which a plain call never pays.
_OTHER_TIERS = ("_batches", "_priority", "_flex", "_ultrafast", "_decisions", "_balanced")


@dataclass(frozen=True)
class TableEntry:
    """What the table says of one model: USD per million tokens, and what we have no kind for."""

    model: str
    amounts: dict[str, Decimal]
    not_imported: tuple[str, ...]

    @property
    def source(self) -> str:
        return f"litellm's price table, {self.model}"


def look_up(model: str) -> TableEntry:
    """The table's entry of that name. Raises Invalid when there is none: unknown is not free."""
    entry = _table().get(model)
    if entry is None or entry.get("input_cost_per_token") is None:
        raise Invalid(
            f"No price was set: litellm's price table does not know {model or 'a model without a name'}.",
            fields={"model": ["litellm's price table does not know this name."]},
        )
    amounts = {
        kind: (Decimal(entry[name]) * (1 if kind == "image" else MILLION)).quantize(NINE_PLACES)
        for kind, name in _FIELDS.items()
        if entry.get(name) is not None
    }
    return TableEntry(model, amounts, tuple(sorted(filter(_is_left_out, entry))))


def figures_of(litellm_model: str) -> TableEntry | None:
    """What the table says of a deployment's model; None where it says nothing."""
    try:
        return look_up(name_in_table(litellm_model))
    except Invalid:
        return None


@dataclass(frozen=True)
class Compared:
    """One kind: our amount in force today beside the table's; None is unknown, never 0."""

    kind: str
    ours: Decimal | None
    table: Decimal | None

    @property
    def verdict(self) -> str:
        if self.ours is None and self.table is None:
            return "unknown in both"
        if self.ours is None:
            return "we have no price"
        if self.table is None:
            return "unknown in the table"
        if self.ours == self.table:
            return "the same"
        return "ours is dearer" if self.ours > self.table else "ours is cheaper"

    @property
    def differs(self) -> bool:
        """Whether the table knows another figure than we have."""
        return self.table is not None and self.table != self.ours


def compare(ours: Mapping[str, Decimal], entry: TableEntry) -> list[Compared]:
    """Kind by kind, in the table's currency."""
    return [Compared(kind, ours.get(kind), entry.amounts.get(kind)) for kind in _FIELDS]


def name_in_table(litellm_model: str) -> str:
    """The table's name for a deployment's model, with or without its provider; else empty."""
    table = _table()
    provider, _, bare = litellm_model.partition("/")
    if litellm_model in table:
        return litellm_model
    is_same = bool(bare) and table.get(bare, {}).get("litellm_provider") == provider
    return bare if is_same else ""


def _is_left_out(name: str) -> bool:
    """Whether that field is a price of text tokens which a plain call may have to pay."""
    if name.endswith(_OTHER_TIERS):
        return False
    above = "_above_" in name and "token" in name and "cost" in name
    return above or name == "cache_creation_input_token_cost"


@cache
def _table() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise Invalid("No price was set: litellm is not installed here.")
    path = Path(spec.origin).parent / PRICE_TABLE
    # Numbers stay text, so that a price is exact.
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(), parse_float=str)
    return table
