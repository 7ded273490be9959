"""A dataset's raised sensitivity re-opens what was decided while it was thought less sensitive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.standing import mark_stale
from governance.kernel.terms import Sensitivity
from governance.model_cards.models import ModelCard
from governance.registry import suspending
from governance.registry.models import Dataset, UseCase
from governance.registry.registries import use_case_kinds
from governance.registry.rules import Stage


@dataclass(frozen=True)
class Reopened:
    """What a raise re-opens: to be assessed again, to be revised, stopped, and to be looked at."""

    use_cases: tuple[UseCase, ...]
    changes: tuple[ChangeRequest, ...]
    approvals: tuple[Approval, ...]
    cards: tuple[ModelCard, ...]

    @property
    def is_anything(self) -> bool:
        return bool(self.use_cases or self.cards)

    def told(self) -> dict[str, int]:
        """The numbers, for the audit log and the API."""
        return {
            "use_cases": len(self.use_cases),
            "changes": len(self.changes),
            "approvals": len(self.approvals),
            "cards": len(self.cards),
        }


def is_raised(before: str, after: str) -> bool:
    return Sensitivity(after).level > Sensitivity(before).level


def what_reopens(dataset: Dataset, sensitivity: str) -> Reopened:
    """What raising it to that would re-open, as things are now; a constant number of queries."""
    living = dataset.use_cases.exclude(stage=Stage.RETIRED).select_related("team", "owner")
    use_cases = tuple(living.order_by("pk"))
    ids = [one.pk for one in use_cases]
    return Reopened(
        use_cases=use_cases,
        changes=tuple(_open_changes(ids)),
        approvals=tuple(_unfit_approvals(ids, sensitivity)),
        cards=tuple(cards_trained_on(dataset)),
    )


def _rests_on(use_case_ids: list[int]) -> Q:
    found = Q(pk__in=[])
    for kind, rests in use_case_kinds.items():
        found |= Q(kind=kind, subject_id__in=rests.subjects(use_case_ids))
    return found


def _open_changes(use_case_ids: list[int]) -> list[ChangeRequest]:
    return list(ChangeRequest.objects.filter(_rests_on(use_case_ids), state="open").order_by("pk"))


def _unfit_approvals(use_case_ids: list[int], sensitivity: str) -> list[Approval]:
    unfit: set[int] = set()
    for rests in use_case_kinds.values():
        unfit |= rests.unfit(use_case_ids, sensitivity, ("in_force",))
    found = Approval.objects.filter(pk__in=unfit).select_related("change")
    return list(found.order_by("pk"))


def cards_trained_on(dataset: Dataset) -> list[ModelCard]:
    """The newest version of each card that a steward linked to this data."""
    slugs = dataset.card_links.values("card_slug")
    newest = ModelCard.objects.filter(slug__in=slugs).order_by("slug", "-version", "-pk")
    return list(newest.distinct("slug"))


def is_flagged(card: ModelCard, dataset: Dataset) -> bool:
    """Whether that version was written while the data was thought less sensitive."""
    return dataset.raised_at is not None and card.created_at < dataset.raised_at


def card_warnings_of(card: ModelCard) -> list[str]:
    """A sentence per dataset behind this card that was raised since it was written."""
    raised = Dataset.objects.filter(card_links__card_slug=card.slug, raised_at__gt=card.created_at)
    return [
        f"It was trained on {one.name}, which was raised to {one.sensitivity} since this version "
        "was written. Check what the card says of its data."
        for one in raised
    ]


def reopen(*, dataset: Dataset, before: str, reason: str, now: datetime) -> Reopened:
    """Re-open what rests on it; the dataset is locked and saved with its new sensitivity.

    Locked are first the open changes, then the use cases, as a decision locks them: who decides
    at the same time is before it or finds the change stale.
    """
    ids = sorted(dataset.use_cases.exclude(stage=Stage.RETIRED).values_list("pk", flat=True))
    list(
        ChangeRequest.objects.select_for_update(of=("self",))
        .filter(_rests_on(ids), state="open")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    locked = UseCase.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    list(locked.values_list("pk", flat=True))
    because = f"its data {dataset.name} was {before} and is {dataset.sensitivity}"[:300]
    UseCase.objects.filter(pk__in=ids).update(
        reopened_at=now, reopened_because=because, version=F("version") + 1
    )
    found = what_reopens(dataset, dataset.sensitivity)
    for change in found.changes:
        mark_stale(change_id=change.pk, now=now)
    raised = f"{dataset.name} was raised from {before} to {dataset.sensitivity}"
    suspending.suspend(list(found.approvals), f"{raised}, above what this covers: {reason}", now)
    is_stopped = bool(found.approvals)
    suspending.tell(list(found.use_cases), f"Assess again, {raised}", now, widely=is_stopped)
    return found
