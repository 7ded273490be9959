"""Quantities that a pool's amount can be taken from. Whoever measures one adds it in hooks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from governance.kernel.registries import Registry


@dataclass(frozen=True)
class PoolSource:
    """`measure` gives the quantity of a month (its first day) in `unit`.

    `explain` says in words what it is made of, for the lines of statements. Of what `is_once`
    no two rules may book the same month: it would be charged twice.
    """

    label: str
    unit: str
    measure: Callable[[date], Decimal]
    explain: Callable[[date], str] | None = None
    is_once: bool = False


pool_sources: Registry[PoolSource] = Registry("allocation pool sources")
