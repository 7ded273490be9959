"""How a cost came about, line by line, for people who want to check it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from governance.model_cards.pricing import MILLION, NINE_PLACES


@dataclass(frozen=True)
class CostLine:
    """`tokens` × `price` per million = `amount` (not yet rounded)."""

    kind: str
    tokens: int
    price: Decimal
    amount: Decimal


def cost_lines(
    snapshot: Mapping[str, Any], *, tokens_input: int, tokens_cached: int, tokens_output: int
) -> list[CostLine]:
    """The products whose rounded sum is the cost; empty where the snapshot has no prices.

    `tokens_cached` are part of `tokens_input`, and cost as plain input where cached input has
    no price of its own.
    """
    prices = {kind: Decimal(text) for kind, text in snapshot.items() if kind != "currency"}
    if "input" not in prices or "output" not in prices:
        return []
    counts = {
        "input": tokens_input - tokens_cached,
        "cached_input": tokens_cached,
        "output": tokens_output,
    }
    lines = [
        CostLine(kind, tokens, price := prices.get(kind, prices["input"]), price * tokens / MILLION)
        for kind, tokens in counts.items()
        if tokens
    ]
    if per_call := prices.get("per_call"):
        lines.append(CostLine("per_call", 1, per_call, per_call))
    return lines


def adds_up(lines: list[CostLine], amount: Decimal) -> bool:
    """Whether the lines explain exactly what was booked."""
    total = sum((line.amount for line in lines), Decimal(0))
    return bool(lines) and total.quantize(NINE_PLACES) == amount.quantize(NINE_PLACES)
