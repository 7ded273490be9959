"""Choosing one thing out of many: a select while they are few, else a search box with suggestions.

The search box needs no JavaScript: what is typed is the short name or words of the title. With it
the suggestions follow the typing, from the same address with the field in its query.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Model, Q, QuerySet
from django.template.loader import render_to_string

MOST_OFFERED = 50
LONGEST = 150


class PickWidget(forms.Select):
    """A select of at most MOST_OFFERED, or a text box with as many suggestions."""

    choices: Any

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        field: PickField = self.choices.field
        if not field.is_long:
            return super().render(name, value, attrs, renderer)
        typed = "" if value is None else str(value)
        context = {
            "name": name,
            "value": typed,
            "attrs": {**self.attrs, **(attrs or {})},
            "listed": f"{name}-offered",
            "longest": LONGEST,
            "offered": field.suggestions(typed),
        }
        return render_to_string("components/_pick.html", context)


class PickField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not at run time
    """Something with a title and a slug; takes its short name, its number or words of its title."""

    widget = PickWidget

    def __init__(self, queryset: QuerySet[Any], **options: Any) -> None:
        super().__init__(queryset, to_field_name="slug", **options)

    def nearly(self, words: str) -> Q:
        """For words that no title has: nothing, unless a field knows better."""
        return Q(pk__in=())

    @property
    def _all(self) -> QuerySet[Any]:
        assert self.queryset is not None  # noqa: S101  # tells mypy
        return self.queryset

    @property
    def offered(self) -> list[Any]:
        """One more than is offered, so that `is_long` knows; asked once for each form."""
        if not hasattr(self, "_offered"):
            self._offered = list(self._all[: MOST_OFFERED + 1])
        return self._offered

    @property
    def is_long(self) -> bool:
        return len(self.offered) > MOST_OFFERED

    def suggestions(self, typed: str) -> list[Any]:
        if not _words(typed):
            return self.offered[:MOST_OFFERED]
        return self._found(_words(typed), MOST_OFFERED)

    def _found(self, words: str, most: int) -> list[Any]:
        """Those that have the words; if there is none, those that nearly have them."""
        found = list(self._all.filter(Q(slug=words) | Q(title__icontains=words))[:most])
        return found or list(self._all.filter(self.nearly(words))[:most])

    def to_python(self, value: Any) -> Any:
        typed = _words(value)
        if not typed or isinstance(value, Model):
            return super().to_python(value)
        exact = self._all.filter(slug=typed).first()
        if exact is None and typed.isascii() and typed.isdigit() and len(typed) < 19:
            exact = self._all.filter(pk=int(typed)).first()
        return exact if exact is not None else self._titled(typed)

    def _titled(self, typed: str) -> Any:
        named = list(self._all.filter(title__iexact=typed)[:2])
        found = named if len(named) == 1 else self._found(typed, 6)
        if len(found) == 1:
            return found[0]
        if not found:
            raise forms.ValidationError(self.error_messages["invalid_choice"], "invalid_choice")
        names = ", ".join(one.slug for one in found[:5])
        more = " and more" if len(found) > 5 else ""  # noqa: PLR2004  # as many as are named
        raise forms.ValidationError(f"Several are like that: {names}{more}. Type one short name.")


def _words(value: Any) -> str:
    return str(value or "").replace("\x00", "").strip()[:LONGEST]
