"""Our prices beside those of litellm's table."""

from __future__ import annotations

from django.utils import timezone

from governance.model_cards import price_table
from governance.model_cards.models import Deployment
from governance.model_cards.price_table import TableEntry
from governance.model_cards.pricing import PriceUnknown
from governance.model_cards.selectors import prices_on


def compared(
    deployment: Deployment, entry: TableEntry | None
) -> tuple[str, list[price_table.Compared]]:
    """Our currency today (empty without a price) and each kind; nothing is converted."""
    try:
        ours = prices_on(deployment, timezone.now().date())
    except PriceUnknown:
        return "", price_table.compare({}, entry) if entry else []
    amounts = dict(ours.per_million)
    if ours.per_image is not None:
        amounts["image"] = ours.per_image
    is_comparable = ours.currency == price_table.CURRENCY
    return ours.currency, price_table.compare(amounts, entry) if entry and is_comparable else []
