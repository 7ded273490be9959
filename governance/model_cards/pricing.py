"""What tokens cost. Pure; amounts are Decimal, per million tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

MILLION = Decimal(1_000_000)
NINE_PLACES = Decimal("0.000000001")
TOKEN_KINDS = ("input", "cached_input", "output")


class PriceUnknown(ValueError):
    """No price is in force for a token kind that the call may use."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one attempt; `cached_input` is the part of `input` that was cached."""

    input: int = 0
    cached_input: int = 0
    output: int = 0


@dataclass(frozen=True)
class PriceList:
    """The prices of one deployment on one day."""

    currency: str
    per_million: dict[str, Decimal] = field(default_factory=dict)
    per_call: Decimal = Decimal(0)

    def _price(self, kind: str) -> Decimal:
        if kind == "cached_input" and kind not in self.per_million:
            return self._price("input")
        try:
            return self.per_million[kind]
        except KeyError:
            raise PriceUnknown(f"There is no price for {kind} tokens today.") from None

    def cost(self, usage: Usage) -> Decimal:
        """Exact cost, rounded once to nine places (half to even)."""
        # A provider that reports more cached tokens than it was sent would owe us the rest.
        cached = min(usage.cached_input, usage.input)
        amount = (
            self._price("input") * (usage.input - cached)
            + self._price("cached_input") * cached
            # A model that only takes tokens in, as one for embeddings, has no price for any out.
            + (self._price("output") * usage.output if usage.output else 0)
        ) / MILLION + self.per_call
        return amount.quantize(NINE_PLACES, ROUND_HALF_EVEN)

    def ceiling(self, input_tokens: int, max_output_tokens: int) -> Decimal:
        """The most that one attempt of that size can cost, cached or not."""
        # Some price lists charge more for cached tokens than for fresh ones.
        is_dearer = self._price("cached_input") > self._price("input")
        cached = input_tokens if is_dearer else 0
        return self.cost(Usage(input_tokens, cached, max_output_tokens))

    def as_plain(self) -> dict[str, str]:
        """Kind → amount as text, for the call's snapshot."""
        amounts = {kind: format(amount, "f") for kind, amount in self.per_million.items()}
        return amounts | {"per_call": format(self.per_call, "f"), "currency": self.currency}
