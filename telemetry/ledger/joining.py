"""Transactions of verbs that are a part of a larger whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

P = ParamSpec("P")
R = TypeVar("R")


def joins_transaction(verb: Callable[P, R]) -> Callable[P, R]:
    """All or nothing: in the caller's transaction, or in one of its own where there is none.

    Unlike `transaction.atomic` it sets no savepoint (two statements each time), so a caller
    that catches what the verb raises must let its own transaction end with it.
    """

    @wraps(verb)
    def joined(*args: P.args, **facts: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            return verb(*args, **facts)
        with transaction.atomic():
            return verb(*args, **facts)

    return joined
