"""Choosing use cases in a form, however many are registered."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from governance.access.picking import MOST_OFFERED, PickField
from governance.registry.models import UseCase
from governance.registry.similar import titled_like

LONGEST_LIST = 20_000
MOST_NAMED = 200


def by_title(use_cases: QuerySet[UseCase]) -> QuerySet[UseCase]:
    """In the order that an index has, so that the first few are found without sorting all."""
    return use_cases.order_by(Lower("title"), "title", "pk")


class UseCaseField(PickField):
    """One use case of those given."""

    def __init__(self, use_cases: QuerySet[UseCase], **options: Any) -> None:
        super().__init__(by_title(use_cases), **options)

    def nearly(self, words: str) -> Q:
        return titled_like(words)


class UseCaseNamesField(forms.CharField):
    """Several use cases where there are too many for boxes to tick: short names, one per line."""

    widget = forms.Textarea(attrs={"rows": 6})

    def __init__(self, use_cases: QuerySet[UseCase], **options: Any) -> None:
        super().__init__(max_length=LONGEST_LIST, **options)
        self.use_cases = use_cases

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(one.slug for one in value or ())

    def clean(self, value: Any) -> list[UseCase]:
        slugs = list(dict.fromkeys(re.split(r"[\s,]+", super().clean(value))))
        named = [slug for slug in slugs if slug]
        if len(named) > MOST_NAMED:
            raise forms.ValidationError(f"At most {MOST_NAMED} use cases; these are {len(named)}.")
        found = {one.slug: one for one in self.use_cases.filter(slug__in=named)}
        if unknown := [slug for slug in named if slug not in found]:
            raise forms.ValidationError(f"No use case has the short name {unknown[0][:80]}.")
        return [found[slug] for slug in named]


def are_many(use_cases: QuerySet[UseCase]) -> bool:
    """Too many to offer each as a box."""
    return len(by_title(use_cases).values_list("pk")[: MOST_OFFERED + 1]) > MOST_OFFERED
