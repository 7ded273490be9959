"""What the page of a bundle shows of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from governance.approvals.bundle_subject import BundleSubject
from governance.approvals.diffing import FieldDiff, field_diffs
from governance.approvals.models import Bundle, ChangeRequest
from governance.approvals.registries import change_subjects


@dataclass(frozen=True)
class ShownPart:
    """One part with what it changes, as it is decided on."""

    change: ChangeRequest
    label: str
    fields: list[FieldDiff]
    is_new: bool
    url: str


def parts_shown(change: ChangeRequest) -> list[ShownPart]:
    """In the order in which they are applied; empty for a request that is no bundle."""
    if change.kind != BundleSubject.kind:
        return []
    found = ChangeRequest.objects.in_bulk(change.proposal["parts"])
    return [_shown(found[pk], change) for pk in change.proposal["parts"]]


def _shown(part: ChangeRequest, whole: ChangeRequest) -> ShownPart:
    kind = change_subjects[part.kind]
    base, content = (side["parts"][str(part.pk)] for side in (whole.base, whole.snapshot))
    return ShownPart(
        change=part,
        label=kind.label,
        fields=field_diffs(base, content),
        is_new=not base,
        url=kind.url(kind.find(part.subject_id)),
    )


def bundle_of(change: ChangeRequest) -> Bundle | None:
    """The bundle that it is a part of, or that it decides on."""
    if change.kind == BundleSubject.kind:
        return Bundle.objects.filter(pk=change.subject_id).first()
    return change.bundle
