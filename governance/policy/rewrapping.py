"""Move every encrypted value to the newest key, in small steps, while everything runs.

Rotating: put a key with a higher id beside the old one and restart (both open, the new one
encrypts); the housekeeping task or `manage.py rewrap` moves what is there; once the old key is
said to be cleared, take it out of PLACET_ENCRYPTION_KEYS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Count
from django.db.models.functions import Substr

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.encryption import SealedField, key_ids, rewrapped
from governance.policy.models import EncryptionKey

ROWS_PER_STEP = 200
ROWS_PER_RUN = 2000


@dataclass(frozen=True)
class SealedColumn:
    """One encrypted column of one table."""

    model: type[models.Model]
    field: SealedField

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.field.attname}"

    def filled(self) -> models.QuerySet[Any]:
        """Rows with a value, and the id of its key as one byte in `sealed_by`."""
        rows = self.model._base_manager.filter(**{f"{self.field.attname}__isnull": False})
        first = Substr(self.field.attname, 1, 1, output_field=models.BinaryField())
        keyed: models.QuerySet[Any] = rows.annotate(sealed_by=first)
        return keyed


@dataclass(frozen=True)
class KeyUse:
    """How many values of a column are under a key."""

    column: str
    number: int
    rows: int


@dataclass(frozen=True)
class Rewrapped:
    """How many values one run moved, and whether there is more to do."""

    moved: int
    is_done: bool


def sealed_columns() -> list[SealedColumn]:
    """Every encrypted column of every app."""
    return [
        SealedColumn(model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealedField)
    ]


def key_uses() -> Iterator[KeyUse]:
    """Counts per column and key. Reads every row: for commands, not for pages."""
    for column in sealed_columns():
        counted = column.filled().order_by().values_list("sealed_by").annotate(Count("pk"))
        for key, rows in sorted((bytes(key)[0], rows) for key, rows in counted):
            yield KeyUse(column.name, key, rows)


def note_keys(*, now: datetime) -> None:
    """Remember the configured keys: from now on one that is taken away too early is missed."""
    known = set(EncryptionKey.objects.values_list("number", flat=True))
    for number in set(key_ids()) - known:
        EncryptionKey.objects.get_or_create(number=number, defaults={"first_seen_at": now})
    EncryptionKey.objects.filter(number=max(key_ids()), cleared_at__isnull=False).update(
        cleared_at=None
    )


def still_needed() -> list[KeyUse]:
    """What stands under keys that are no longer configured. Counts only when a key is missed."""
    noted = EncryptionKey.objects.filter(cleared_at=None).values_list("number", flat=True)
    missing = set(noted) - set(key_ids())
    return [one for one in key_uses() if one.number in missing] if missing else []


def is_rewrap_due() -> bool:
    return EncryptionKey.objects.filter(number__lt=max(key_ids()), cleared_at=None).exists()


def rewrap(
    *, actor: Actor, now: datetime, most: int = ROWS_PER_RUN, step: int = ROWS_PER_STEP
) -> Rewrapped:
    """Move at most about that many values to the newest key, from where the last run ended.

    Each step is a transaction of its own; a run that is cut off loses nothing. Rows that
    somebody else holds are left to the next pass.
    """
    note_keys(now=now)
    key = EncryptionKey.objects.get(number=max(key_ids()))
    moved = 0
    for column in sealed_columns():
        while moved < most:
            count, last = _step(column, key, min(step, most - moved))
            moved += count
            if last is None:
                break
            key.position[column.name] = str(last)
            key.save(update_fields=["position"])
    is_done = moved < most and _finish(key, now)
    if moved:
        _record(actor, key, now, {"moved": moved, "done": is_done})
    return Rewrapped(moved, is_done)


@transaction.atomic
def _step(column: SealedColumn, key: EncryptionKey, limit: int) -> tuple[int, Any]:
    """The next rows of the column under another key; how many, and the last one's identity."""
    rows = (
        column.filled().exclude(sealed_by=bytes([key.number])).select_for_update(skip_locked=True)
    )
    if after := key.position.get(column.name):
        rows = rows.filter(pk__gt=after)
    found = list(rows.order_by("pk")[:limit])
    name = column.field.attname
    for row in found:
        setattr(row, name, rewrapped(getattr(row, name), context=column.field.context(row)))
    column.model._base_manager.bulk_update(found, [name])
    return len(found), found[-1].pk if found else None


def _finish(key: EncryptionKey, now: datetime) -> bool:
    """After a whole pass: older keys that nothing needs are cleared; else the next pass begins."""
    older = {one.number for one in key_uses()} - {key.number}
    EncryptionKey.objects.exclude(number__in=older).exclude(pk=key.pk).filter(
        cleared_at=None
    ).update(cleared_at=now)
    key.position = {}
    key.save(update_fields=["position"])
    return not older


@transaction.atomic
def _record(actor: Actor, key: EncryptionKey, now: datetime, after: dict[str, Any]) -> None:
    record(actor=actor, action="encryption.rewrapped", subject=key, now=now, after=after)
