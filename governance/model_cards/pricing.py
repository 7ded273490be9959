"""What tokens cost. Pure; amounts are Decimal, per million tokens, per image or per call.

How each kind is counted, so that nothing is paid twice and nothing is free by accident:
cached input is a part of input, reasoning a part of output (OpenAI's rule); each costs as the
whole it is part of where it has no price of its own. An image is paid for by the piece, beside
whatever tokens the provider counts it as, so its price must be known: 0 where tokens are all.
A negotiated discount takes its percentage off the sum; then the sum is rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

MILLION = Decimal(1_000_000)
HUNDRED = Decimal(100)
NINE_PLACES = Decimal("0.000000001")
# Wide enough that a product of two amounts is exact, so that there is one rounding alone.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
TOKEN_KINDS = ("input", "cached_input", "output", "reasoning")
# A kind without a price of its own costs as the kind that it is part of.
PART_OF = {"cached_input": "input", "reasoning": "output"}
UNITS = {"image": "image", "per_call": "call", "discount": "percent"}
# Of a snapshot, what is no price.
NO_PRICES = ("currency", "discount", "rate", "rate_id", "booked_currency")


class PriceUnknown(ValueError):
    """No price is in force for a kind that the call may use."""


@dataclass(frozen=True)
class Usage:
    """What one attempt used: `cached_input` is part of `input`, `reasoning` of `output`."""

    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    images: int = 0


@dataclass(frozen=True)
class Rate:
    """What one unit of the deployment's currency is in the ledger's, by the row it was read from."""

    id: int
    value: Decimal
    currency: str


@dataclass(frozen=True)
class PriceList:
    """The prices of one deployment at one moment, with the rate they are booked at.

    Without a `rate` they are in the ledger's own currency.
    """

    currency: str
    per_million: Mapping[str, Decimal] = field(default_factory=dict)
    per_call: Decimal = Decimal(0)
    per_image: Decimal | None = None
    discount: Decimal = Decimal(0)
    rate: Rate | None = None

    @property
    def booked_currency(self) -> str:
        return self.rate.currency if self.rate else self.currency

    def _price(self, kind: str) -> Decimal:
        found = self.per_million.get(kind)
        if found is not None:
            return found
        if kind in PART_OF:
            return self._price(PART_OF[kind])
        raise PriceUnknown(f"There is no price for {kind} tokens today.")

    def _images(self, number: int) -> Decimal:
        if not number:
            return Decimal(0)
        if self.per_image is None:
            raise PriceUnknown(
                "There is no price for images today; it is 0 where the provider bills an image "
                "as input tokens alone."
            )
        return self.per_image * number

    def cost(self, usage: Usage) -> Decimal:
        """Exact cost in the prices' own currency, rounded once to nine places (half to even)."""
        # A provider that reports more of a part than of the whole would owe us the rest.
        cached = min(usage.cached_input, usage.input)
        reasoning = min(usage.reasoning, usage.output)
        written = usage.output - reasoning
        amount = (
            self._price("input") * (usage.input - cached)
            + self._price("cached_input") * cached
            # A model that only takes tokens in, as one for embeddings, has no price for any out.
            + (self._price("output") * written if written else 0)
            + (self._price("reasoning") * reasoning if reasoning else 0)
        ) / MILLION
        amount += self._images(usage.images) + self.per_call
        if self.discount:
            amount = EXACT.multiply(amount, (HUNDRED - self.discount) / HUNDRED)
        return EXACT.quantize(amount, NINE_PLACES)

    def booked(self, cost: Decimal) -> Decimal:
        """That cost in the ledger's currency, rounded once more to nine places (half to even).

        A larger cost is never booked as less, so what was held covers what is billed.
        """
        if self.rate is None:
            return cost
        return EXACT.quantize(EXACT.multiply(cost, self.rate.value), NINE_PLACES)

    def ceiling(self, input_tokens: int, max_output_tokens: int, images: int = 0) -> Decimal:
        """The most that one attempt of that size can cost, whatever its tokens turn out to be."""
        # Some price lists charge more for cached tokens than for fresh ones, or for reasoning.
        cached = input_tokens if self._price("cached_input") > self._price("input") else 0
        reasoning = 0
        if max_output_tokens and self._price("reasoning") > self._price("output"):
            reasoning = max_output_tokens
        return self.cost(Usage(input_tokens, cached, max_output_tokens, reasoning, images))

    def as_plain(self) -> dict[str, str]:
        """Kind → amount as text, for the call's snapshot; what does not hold is not named."""
        plain = {kind: format(amount, "f") for kind, amount in self.per_million.items()}
        plain |= {"per_call": format(self.per_call, "f"), "currency": self.currency}
        if self.per_image is not None:
            plain["image"] = format(self.per_image, "f")
        if self.discount:
            plain["discount"] = format(self.discount, "f")
        if self.rate:
            plain |= {
                "rate": format(self.rate.value, "f"),
                "rate_id": str(self.rate.id),
                "booked_currency": self.rate.currency,
            }
        return plain


def from_plain(plain: Mapping[str, str]) -> PriceList:
    """The list that `as_plain` wrote down."""
    tokens = {kind: Decimal(plain[kind]) for kind in TOKEN_KINDS if kind in plain}
    rate = None
    if "rate" in plain:
        rate = Rate(int(plain["rate_id"]), Decimal(plain["rate"]), plain["booked_currency"])
    return PriceList(
        plain["currency"],
        tokens,
        Decimal(plain.get("per_call", "0")),
        Decimal(plain["image"]) if "image" in plain else None,
        Decimal(plain.get("discount", "0")),
        rate,
    )
