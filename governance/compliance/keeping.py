"""Ask every evidence query in the background, and keep what it said with the time it was asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from governance.audit.services import record
from governance.compliance.kept_models import KeptEvidence
from governance.compliance.models import VIEWING
from governance.compliance.registries import control_evidence
from governance.compliance.rules import Evidence
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed

# Older ones are asked live again, so that pages stay true without a worker.
KEPT_FOR = timedelta(minutes=30)
_FIELDS = ("sentence", "numerator", "denominator", "freshness", "url", "asked_at")


def keep_evidence(*, now: datetime) -> int:
    """Ask all, each on its own so that none is held back by another; gives how many."""
    for key, source in control_evidence.items():
        # As for a pack: figures of the whole organisation, for nobody in person.
        said = source.query(now, None)
        facts = {name: getattr(said, name) for name in _FIELDS if name != "asked_at"}
        KeptEvidence.objects.bulk_create(
            [KeptEvidence(key=key, asked_at=now, **facts)],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=_FIELDS,
        )
    return len(control_evidence)


@transaction.atomic
def ask_again(*, actor: Actor, now: datetime) -> int:
    """Whoever reads the controls may have all of them asked now."""
    if actor.user is None or not any(actor.may(one) for one in VIEWING):
        raise NotAllowed("Nothing was asked: compliance and auditors read the controls.")
    count = keep_evidence(now=now)
    record(
        actor=actor,
        action="compliance.evidence_asked",
        subject=actor.user,
        now=now,
        after={"queries": count},
    )
    return count


def kept_evidence(now: datetime) -> dict[str, tuple[Evidence, datetime]]:
    """What is kept and not too old, with when it was asked; one query."""
    kept = KeptEvidence.objects.filter(asked_at__gt=now - KEPT_FOR, asked_at__lte=now)
    return {
        one.key: (
            Evidence(one.sentence, one.numerator, one.denominator, one.freshness, one.url),
            one.asked_at,
        )
        for one in kept
    }
