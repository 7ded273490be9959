"""Quantities that a pool's amount can be taken from. Whoever measures one adds it in hooks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance.kernel.registries import Registry


@dataclass(frozen=True)
class PoolSource:
    """`measure` gives the quantity of a month (its first day) in `unit`."""

    label: str
    unit: str
    measure: Callable[[date], Decimal]


pool_sources: Registry[PoolSource] = Registry("allocation pool sources")
