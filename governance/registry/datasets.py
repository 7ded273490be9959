"""Register and change datasets, and say which a use case rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.access.models import User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.kernel.terms import Sensitivity
from governance.kernel.web import get_or_404
from governance.model_cards.models import ModelCard
from governance.registry.models import CardLink, Dataset, UseCase
from governance.registry.reopening import Reopened, is_raised, reopen, what_reopens
from governance.registry.services import (
    check_can_manage,
    locked_use_case,
    text_problems,
    told,
    write_event,
)

EDITABLE = (
    "name",
    "source",
    "owner",
    "sensitivity",
    "has_personal_data",
    "lawful_basis",
    "licence",
    "retention",
    "provenance",
    "quality_notes",
    "labelling_guideline",
    "agreement",
    "allows_training",
)


LONGEST_REASON = 300


class Unconfirmed(Conflict):
    """A raise re-opens things, and whoever asked has not said that they know it."""

    code = "unconfirmed"

    def __init__(self, found: Reopened) -> None:
        told = found.told()
        super().__init__(
            f"Nothing was saved yet: this re-opens {told['use_cases']} use cases, makes "
            f"{told['changes']} open changes stale, suspends {told['approvals']} approvals and "
            f"flags {told['cards']} model cards. Confirm it to go on."
        )
        self.found = found


def check_can_keep(actor: Actor) -> None:
    if not actor.may(Permission.DATASET_MANAGE):
        raise NotAllowed("Nothing was saved: data stewards register and change datasets.")


@transaction.atomic
def register_dataset(
    *,
    actor: Actor,
    name: str,
    source: str,
    sensitivity: str,
    now: datetime,
    owner: User | None = None,
    use_cases: tuple[UseCase, ...] = (),
    **facts: Any,
) -> Dataset:
    """A dataset that use cases can name; it is its registrar's unless an owner is given."""
    check_can_keep(actor)
    given = facts | {
        "name": name.strip(),
        "source": source.strip(),
        "sensitivity": sensitivity,
        "owner": owner or actor.user,
    }
    _check_dataset(given)
    dataset = Dataset.objects.create(**given)
    dataset.use_cases.set(use_cases)
    after = {"sensitivity": sensitivity, "use_cases": [one.slug for one in use_cases]}
    record(actor=actor, action="dataset.registered", subject=dataset, now=now, after=after)
    return dataset


@transaction.atomic
def change_dataset(
    *,
    actor: Actor,
    dataset_id: int,
    version: int,
    now: datetime,
    reason: str = "",
    confirmed: bool = False,
    **facts: Any,
) -> Dataset:
    """Change some fields. Raises Conflict when somebody else did since `version` was read.

    Another sensitivity needs a reason. A raise that re-opens something must be confirmed by
    who has seen what: else Unconfirmed says it, and nothing is saved.
    """
    check_can_keep(actor)
    dataset = _locked(dataset_id)
    if dataset.version != version:
        raise Conflict(
            "Nothing was overwritten: somebody saved this dataset while you wrote. "
            "Your text is still on the page; compare it with what is there now and save again."
        )
    _check_dataset(facts, dataset)
    changed = {name: value for name, value in facts.items() if getattr(dataset, name) != value}
    if not changed:
        return dataset
    held = dataset.sensitivity
    is_raise = "sensitivity" in changed and is_raised(held, changed["sensitivity"])
    if "sensitivity" in changed:
        _check_sensitivity(dataset, changed["sensitivity"], reason, confirmed, is_raise)
    before = _told_all({name: getattr(dataset, name) for name in changed})
    for name, value in changed.items():
        setattr(dataset, name, value)
    dataset.version += 1
    dataset.raised_at = now if is_raise else dataset.raised_at
    dataset.save()
    after = _told_all(changed)
    if is_raise:
        found = reopen(dataset=dataset, before=held, reason=reason.strip(), now=now)
        after["reopened"] = found.told()
    record(
        actor=actor,
        action="dataset.changed",
        subject=dataset,
        now=now,
        before=before,
        after=after,
        reason=reason.strip(),
    )
    return dataset


def _locked(dataset_id: int) -> Dataset:
    """Its key stays free: naming it elsewhere waits for nobody."""
    rows = Dataset.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    found: Dataset = get_or_404(rows, pk=dataset_id)
    return found


def _check_sensitivity(
    dataset: Dataset, sensitivity: str, reason: str, confirmed: bool, is_raise: bool
) -> None:
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Invalid(
            "Nothing was saved: say why its sensitivity changes.",
            fields={"reason": [f"Say why, in at most {LONGEST_REASON} characters."]},
        )
    found = what_reopens(dataset, sensitivity) if is_raise and not confirmed else None
    if found is not None and found.is_anything:
        raise Unconfirmed(found)


@transaction.atomic
def name_cards(*, actor: Actor, dataset_id: int, slugs: Iterable[str], now: datetime) -> Dataset:
    """Say which model cards were trained or tuned on it; replaces those said before."""
    check_can_keep(actor)
    dataset = _locked(dataset_id)
    named = set(slugs)
    known = set(ModelCard.objects.filter(slug__in=named).values_list("slug", flat=True))
    if named - known:
        raise Invalid(
            "Nothing was saved: some cards are not there.",
            fields={"cards": [f"No card is called {one}." for one in sorted(named - known)]},
        )
    before = {"cards": sorted(dataset.card_links.values_list("card_slug", flat=True))}
    after = {"cards": sorted(named)}
    if before != after:
        dataset.card_links.all().delete()
        CardLink.objects.bulk_create(
            CardLink(dataset=dataset, card_slug=one) for one in sorted(named)
        )
        record(
            actor=actor,
            action="dataset.cards_named",
            subject=dataset,
            now=now,
            before=before,
            after=after,
        )
    return dataset


def _told_all(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.email if isinstance(value, User) else told(value)
        for name, value in facts.items()
    }


def _check_dataset(facts: Mapping[str, Any], dataset: Dataset | None = None) -> None:
    """Raise Invalid, field by field, unless a dataset may have these facts."""
    unknown = facts.keys() - set(EDITABLE)
    if unknown:
        raise Invalid(f"Nothing was saved: {', '.join(sorted(unknown))} cannot be set here.")
    problems: dict[str, list[str]] = {
        name: ["Fill this in."]
        for name in ("name", "source")
        if name in facts and not facts[name].strip()
    }
    if facts.get("sensitivity", Sensitivity.PUBLIC) not in list(Sensitivity):
        problems["sensitivity"] = [f"Choose one of {', '.join(Sensitivity)}."]
    if "owner" in facts and facts["owner"] is None:
        problems["owner"] = ["Choose who answers for it."]
    others = Dataset.objects.filter(name=facts.get("name", ""))
    if (others.exclude(pk=dataset.pk) if dataset else others).exists():
        problems["name"] = ["Another dataset has this name."]
    if _trains_without_basis(facts, dataset):
        problems["allows_training"] = [
            "It holds personal data: name the lawful basis under which it may train a model."
        ]
    if problems := problems | text_problems(Dataset, facts):
        raise Invalid("Nothing was saved: some fields do not fit.", fields=problems)


def _trains_without_basis(facts: Mapping[str, Any], dataset: Dataset | None) -> bool:
    def stands(name: str) -> Any:
        return facts.get(name, getattr(dataset, name, ""))

    return bool(
        stands("allows_training")
        and stands("has_personal_data")
        and not str(stands("lawful_basis")).strip()
    )


@transaction.atomic
def name_datasets(
    *, actor: Actor, use_case: UseCase, dataset_ids: Iterable[int], now: datetime
) -> UseCase:
    """Say which registered datasets the use case rests on; replaces those named before."""
    # First the data, as who raises its sensitivity does: either sees what the other did.
    rows = Dataset.objects.select_for_update(no_key=True).filter(pk__in=set(dataset_ids))
    named = sorted(rows.order_by("pk"), key=lambda one: one.name)
    locked = locked_use_case(use_case.pk)
    if not actor.may(Permission.DATASET_MANAGE):
        check_can_manage(actor, locked.team)
    before = {"datasets": list(locked.datasets.values_list("name", flat=True))}
    after = {"datasets": [one.name for one in named]}
    if before != after:
        locked.datasets.set(named)
        write_event(actor, "use_case.datasets_named", locked, now, before=before, after=after)
    return locked
