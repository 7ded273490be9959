"""Seal settled calls: one audit event fixes a batch by its Merkle root."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Sum

from governance.audit.merkle import Tree, leaf_hash, root
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from telemetry.ledger.models import ZERO, Call, LedgerEntry, LedgerSeal
from telemetry.ledger.rules import EntryKind
from telemetry.ledger.tallies import tally_seal

CALLS_PER_SEAL = 10_000
SEAL_LOCK = 722_002  # one sealer at a time, cluster-wide


def seal_settled(*, now: datetime) -> int:
    """Seal everything settled and unsealed, in batches; how many calls."""
    total = 0
    while True:
        seal = seal_batch(now=now)
        if seal is None:
            return total
        total += seal.count


@transaction.atomic
def seal_batch(*, now: datetime) -> LedgerSeal | None:
    """One seal over the oldest unsealed calls, or None if there are none (or another seals)."""
    if not _is_only_sealer():
        return None
    unsealed = Call.objects.unsealed().order_by("finished_at", "id").select_for_update()
    calls = list(unsealed.only("id", "digest", "currency")[:CALLS_PER_SEAL])
    if not calls:
        return None
    seal = LedgerSeal.objects.create(
        sealed_at=now,
        count=len(calls),
        cost=_settled_cost(calls),
        currency=calls[0].currency,
        root=root_of([call.digest for call in calls]),
    )
    for position, call in enumerate(calls):
        call.seal, call.seal_position = seal, position
    Call.objects.bulk_update(calls, ["seal", "seal_position"], batch_size=2000)
    tally_seal(seal.pk)
    _record(seal, now)
    return seal


def _settled_cost(calls: Sequence[Call]) -> Decimal:
    """What was booked by the settlements (a line booked later is no part of the seal)."""
    booked = LedgerEntry.objects.filter(
        call__in=[call.pk for call in calls],
        kind=EntryKind.USAGE,
        created_at=F("call__finished_at"),
    )
    return booked.aggregate(cost=Sum("amount"))["cost"] or ZERO


def root_of(digests: Sequence[str]) -> str:
    """RFC 6962 root (hexadecimal) over the calls' digests as leaves."""
    return root([leaf_hash(bytes.fromhex(one)) for one in digests]).hex()


def seal_proof(call: Call) -> dict[str, Any]:
    """What proves that this call is under its seal, hashes in hexadecimal.

    Raises WrongState for a call that no seal covers yet (they are sealed every minute).
    """
    if call.seal is None or call.seal_position is None:
        raise WrongState("This call is not sealed yet; seals are made every minute.")
    digests = call.seal.calls.order_by("seal_position").values_list("digest", flat=True)
    tree = Tree([leaf_hash(bytes.fromhex(one)) for one in digests])
    return {
        "digest": call.digest,
        "position": call.seal_position,
        "count": call.seal.count,
        "path": [one.hex() for one in tree.inclusion(call.seal_position)],
        "root": call.seal.root,
    }


def _is_only_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        return bool(cursor.fetchone()[0])


def _record(seal: LedgerSeal, now: datetime) -> None:
    record(
        actor=Actor.system("ledger"),
        action="ledger.sealed",
        subject=seal,
        now=now,
        after={
            "calls": seal.count,
            "cost": seal.cost,
            "currency": seal.currency,
            "root": seal.root,
        },
    )
