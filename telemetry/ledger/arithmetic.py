"""How a cost came about, line by line, for people who want to check it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from governance.model_cards.pricing import HUNDRED, MILLION, NINE_PLACES, NO_PRICES, PART_OF


@dataclass(frozen=True)
class CostLine:
    """`tokens` × `price` = `amount` (not yet rounded), per million tokens or per piece.

    Of a discount `tokens` is nothing, `price` its percentage and `amount` negative.
    """

    kind: str
    tokens: int
    price: Decimal
    amount: Decimal


def cost_lines(
    snapshot: Mapping[str, Any],
    *,
    tokens_input: int,
    tokens_cached: int,
    tokens_output: int,
    tokens_reasoning: int = 0,
    images: int = 0,
) -> list[CostLine]:
    """The products whose rounded sum is the cost; empty where the snapshot has no prices.

    `tokens_cached` are part of `tokens_input` and `tokens_reasoning` of `tokens_output`; each
    costs as the whole where it has no price of its own.
    """
    prices = {kind: Decimal(text) for kind, text in snapshot.items() if kind not in NO_PRICES}
    if "input" not in prices or ("output" not in prices and tokens_output):
        return []
    counts = {
        "input": tokens_input - tokens_cached,
        "cached_input": tokens_cached,
        "output": tokens_output - tokens_reasoning,
        "reasoning": tokens_reasoning,
    }
    lines = []
    for kind, tokens in counts.items():
        if tokens:
            price = prices[kind] if kind in prices else prices[PART_OF[kind]]
            lines.append(CostLine(kind, tokens, price, price * tokens / MILLION))
    if images and (per_image := prices.get("image")):
        lines.append(CostLine("image", images, per_image, per_image * images))
    if per_call := prices.get("per_call"):
        lines.append(CostLine("per_call", 1, per_call, per_call))
    if percent := Decimal(snapshot.get("discount", "0")):
        whole = sum((line.amount for line in lines), Decimal(0))
        lines.append(CostLine("discount", 0, percent, -whole * percent / HUNDRED))
    return lines


def adds_up(lines: list[CostLine], amount: Decimal) -> bool:
    """Whether the lines explain exactly what was booked."""
    total = sum((line.amount for line in lines), Decimal(0))
    return bool(lines) and total.quantize(NINE_PLACES) == amount.quantize(NINE_PLACES)
