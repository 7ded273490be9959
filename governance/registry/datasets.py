"""Register and change datasets, and say which a use case rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.kernel.terms import Sensitivity
from governance.kernel.web import get_or_404
from governance.registry.models import Dataset, UseCase
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
)


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
    *, actor: Actor, dataset_id: int, version: int, now: datetime, **facts: Any
) -> Dataset:
    """Change some fields. Raises Conflict when somebody else did since `version` was read."""
    check_can_keep(actor)
    dataset: Dataset = get_or_404(
        Dataset.objects.select_for_update(of=("self",)).select_related("owner"), pk=dataset_id
    )
    if dataset.version != version:
        raise Conflict(
            "Nothing was overwritten: somebody saved this dataset while you wrote. "
            "Your text is still on the page; compare it with what is there now and save again."
        )
    _check_dataset(facts, dataset)
    changed = {name: value for name, value in facts.items() if getattr(dataset, name) != value}
    if not changed:
        return dataset
    before = _told_all({name: getattr(dataset, name) for name in changed})
    for name, value in changed.items():
        setattr(dataset, name, value)
    dataset.version += 1
    dataset.save()
    after = _told_all(changed)
    record(
        actor=actor, action="dataset.changed", subject=dataset, now=now, before=before, after=after
    )
    if "sensitivity" in changed:
        _tell_owners_below(dataset, now)
    return dataset


def _told_all(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.email if isinstance(value, User) else told(value)
        for name, value in facts.items()
    }


def _tell_owners_below(dataset: Dataset, now: datetime) -> None:
    """The owners of use cases that are less sensitive than data they rest on must act."""
    for use_case in dataset.use_cases.select_related("owner"):
        if not Sensitivity(use_case.sensitivity).permits(Sensitivity(dataset.sensitivity)):
            title = f"{dataset} is {dataset.sensitivity} now, above {use_case}"
            url = reverse("registry:detail", args=[use_case.slug])
            notify(users=[use_case.owner], title=title, url=url, now=now)


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
    if problems := problems | text_problems(Dataset, facts):
        raise Invalid("Nothing was saved: some fields do not fit.", fields=problems)


@transaction.atomic
def name_datasets(
    *, actor: Actor, use_case: UseCase, dataset_ids: Iterable[int], now: datetime
) -> UseCase:
    """Say which registered datasets the use case rests on; replaces those named before."""
    locked = locked_use_case(use_case.pk)
    if not actor.may(Permission.DATASET_MANAGE):
        check_can_manage(actor, locked.team)
    named = list(Dataset.objects.filter(pk__in=set(dataset_ids)))
    before = {"datasets": list(locked.datasets.values_list("name", flat=True))}
    after = {"datasets": [one.name for one in named]}
    if before != after:
        locked.datasets.set(named)
        write_event(actor, "use_case.datasets_named", locked, now, before=before, after=after)
    return locked
