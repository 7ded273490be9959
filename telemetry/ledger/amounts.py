"""What an amount of money is in a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

ZERO = Decimal(0)


def money(**options: Any) -> models.DecimalField[Any, Any]:
    """An amount of money: numeric(18, 9), exact."""
    return models.DecimalField(max_digits=18, decimal_places=9, **options)
