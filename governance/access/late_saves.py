"""Two people edit one record: the later one sees the difference, keeps what they typed, chooses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import Model, QuerySet
from django.http import QueryDict

from governance.kernel.canonical import digest
from governance.kernel.errors import Conflict


def seen_of(facts: Mapping[str, Any]) -> str:
    """What a form or an ETag carries so that a save knows which facts it was made from."""
    return digest({name: _written(value) for name, value in facts.items()})


def check_seen(seen: str, facts: Mapping[str, Any], thing: object) -> None:
    """In the service, under the lock: raise Conflict when `thing` is no longer what was seen.

    Who names nothing (`seen` empty) saves over what stands.
    """
    if seen and seen != seen_of(facts):
        raise Conflict(
            f"Nothing was overwritten: somebody saved {thing} while you wrote. What you typed is "
            "still here, beside what stands now. Save again to put yours on top of it."
        )


def _written(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, list | tuple | QuerySet):
        return [_written(one) for one in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value if value is None or isinstance(value, bool) else str(value)


class SeenForm(forms.Form):
    """A form of something that others may change meanwhile; `seen` says what it began from."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    differences: list[dict[str, Any]]

    def show_late(self, late: Conflict, stands: Mapping[str, Any], seen: str) -> None:
        """Both texts, field by field; the next save is made from what stands now."""
        self.differences = differences(self, stands)
        typed = cast(QueryDict, self.data).copy()
        typed[self.add_prefix("seen")] = seen
        self.data = typed
        self.add_error(None, late.message)


def differences(form: forms.Form, stands: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands now beside what was typed, for `components/_conflict.html`."""
    return [
        {
            "field": form[name].label,
            "stands": in_words(value),
            "typed": in_words(form.cleaned_data[name]),
        }
        for name, value in stands.items()
        if name in form.cleaned_data and _written(value) != _written(form.cleaned_data[name])
    ]


def in_words(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, list | tuple | QuerySet):
        return ", ".join(in_words(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
