"""The price table that litellm ships, read as data; litellm itself is not imported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
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
        kind: (Decimal(entry[name]) * MILLION).quantize(NINE_PLACES)
        for kind, name in _FIELDS.items()
        if entry.get(name) is not None
    }
    return TableEntry(model, amounts, tuple(sorted(filter(_is_left_out, entry))))


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
    return above or name in ("cache_creation_input_token_cost", "output_cost_per_reasoning_token")


def _table() -> dict[str, dict[str, Any]]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise Invalid("No price was set: litellm is not installed here.")
    path = Path(spec.origin).parent / PRICE_TABLE
    # Numbers stay text, so that a price is exact.
    table: dict[str, dict[str, Any]] = json.loads(path.read_text(), parse_float=str)
    return table
