"""Said by `manage.py check --database default`, and before the servers start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error
from django.db import DatabaseError, transaction

from governance.policy.rewrapping import still_needed


def check_keys(
    app_configs: Any = None, databases: Sequence[str] | None = None, **options: Any
) -> list[Error]:
    """An encryption key that was taken away while values still need it."""
    if "default" not in (databases or ()):
        return []
    try:
        with transaction.atomic():
            missed = still_needed()
    except DatabaseError:  # before the first migration
        return []
    return [
        Error(
            f"Encryption key {one.number} is not configured, and {one.rows:,} values of "
            f"{one.column} need it.",
            hint=f"Put key {one.number} back into PLACET_ENCRYPTION_KEYS, run `manage.py rewrap` "
            "until it says that the key is cleared, and only then take it out.",
            id="placet.E010",
        )
        for one in missed
    ]
