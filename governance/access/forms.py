"""Forms of people, teams, grants, keys and the own account; the services check the same again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from django import forms
from django.db import models
from django.utils import timezone

from governance.access.late_saves import SeenForm
from governance.access.models import Team
from governance.access.picking import PickField
from governance.access.registries import KeySubject, grant_scopes
from governance.access.rules import (
    KEY_SCOPES,
    MOST_REQUESTS_PER_MINUTE,
    MOST_TOKENS_PER_MINUTE,
    end_of_day,
    time_zones,
)
from governance.access.selectors import scopes_for
from governance.kernel.authority import Role
from governance.kernel.errors import Invalid
from governance.kernel.web import get_or_404, plain_name

Made = TypeVar("Made")
LAST_YEAR = 2199
KEY_SCOPE_WORDS = {"calls:create": "Make calls", "calls:read": "Read the calls it made"}


class LastDayField(forms.DateField):
    """The last day on which something holds, in the person's zone; gives the moment it ends."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> datetime | None:
        day = super().clean(value)
        if day is None:
            return None
        if day.year > LAST_YEAR:
            raise forms.ValidationError("Choose an earlier day, or none.")
        return end_of_day(day, timezone.get_current_timezone())


class ServiceForm(forms.Form):
    """A form whose service has the last word, beside the fields."""

    def carry_out(self, service: Callable[..., Made], **facts: Any) -> Made | None:
        """What the service makes of valid input; None when the form now shows why not."""
        if not self.is_valid():
            return None
        try:
            return service(**facts, **self.cleaned_data)
        except Invalid as refused:
            self._show(refused)
            return None

    def _show(self, refused: Invalid) -> None:
        for name, sentences in refused.fields.items():
            self.add_error(name if name in self.fields else None, list(sentences))
        if not refused.fields:
            self.add_error(None, refused.message)


class PersonForm(ServiceForm):
    """Somebody new."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    email = forms.EmailField(label="E-mail", max_length=254)
    password = forms.CharField(
        label="First password",
        required=False,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; they can change it on their account page.",
    )


class TeamForm(ServiceForm):
    """A new team."""

    name = forms.CharField(max_length=120, validators=[plain_name])
    slug = forms.SlugField(
        label="Short name",
        max_length=60,
        required=False,
        help_text="For addresses; made from the name if left empty.",
    )
    code = forms.CharField(
        label="Cost code", max_length=30, help_text="It cannot be changed.", validators=[plain_name]
    )
    parent = forms.ModelChoiceField(
        Team.objects.all(), required=False, label="Part of", empty_label="No other team"
    )


class TeamChangeForm(ServiceForm, SeenForm):
    """Another name or place for a team."""

    name = forms.CharField(max_length=120, validators=[plain_name])
    parent = forms.ModelChoiceField(
        Team.objects.all(), required=False, label="Part of", empty_label="No other team"
    )


class ReasonForm(ServiceForm):
    """Why, if it needs saying."""

    reason = forms.CharField(max_length=300, required=False, help_text="Kept in the audit log.")


class GrantForm(ServiceForm):
    """Where a role holds, until when, and why."""

    scope = forms.ChoiceField(label="Where")
    ends_at = LastDayField(
        label="Until", required=False, help_text="The last day. Empty: until it is revoked."
    )
    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")

    def __init__(self, role: Role, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = scopes_for(role)
        choices = [("", "Choose"), *scopes] if role.granted_on != "organisation" else scopes
        self.fields["scope"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def clean_scope(self) -> models.Model:
        kind, _, pk = self.cleaned_data["scope"].partition(":")
        found: models.Model = get_or_404(grant_scopes[kind]._default_manager.all(), pk=int(pk))
        return found


class _SubjectField(PickField):
    """What a key is for, with the team that answers for it."""

    def label_from_instance(self, obj: Any) -> str:
        return KeySubject.of(obj).label


class KeyForm(ServiceForm):
    """A new API key. The token tells a second sending from a second key."""

    name = forms.CharField(
        max_length=100, help_text="The application that will use it.", validators=[plain_name]
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=list(KEY_SCOPE_WORDS.items()),
        initial=list(KEY_SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
    requests_per_minute = forms.IntegerField(
        min_value=1, max_value=MOST_REQUESTS_PER_MINUTE, initial=60
    )
    tokens_per_minute = forms.IntegerField(
        min_value=1,
        max_value=MOST_TOKENS_PER_MINUTE,
        required=False,
        help_text="Input and output together; empty: no limit.",
    )
    expires_at = LastDayField(
        label="Works until", required=False, help_text="The last day. Empty: until it is revoked."
    )
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    field_order = ("use_case",)

    def __init__(self, subjects: models.QuerySet[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_token"].initial = uuid.uuid4
        self.fields["use_case"] = _SubjectField(
            subjects,
            label="Use case",
            empty_label="Choose",
            help_text="The key can call this one alone.",
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """The use case as the service takes it."""
        facts = super().clean() or self.cleaned_data
        chosen = facts.pop("use_case", None)
        if chosen is not None:
            facts |= KeySubject.of(chosen).facts()
        return facts


class KeyLimitsForm(ServiceForm):
    """How much a key may call in a minute."""

    requests_per_minute = forms.IntegerField(min_value=1, max_value=MOST_REQUESTS_PER_MINUTE)
    tokens_per_minute = forms.IntegerField(
        min_value=1,
        max_value=MOST_TOKENS_PER_MINUTE,
        required=False,
        help_text="Input and output together; empty: no limit.",
    )


class RevokeKeyForm(ServiceForm):
    """Why a key ends."""

    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")


def zone_choices() -> list[tuple[str, Any]]:
    """UTC, then the zones by region, as a select shows them."""
    places = [name for name in time_zones() if "/" in name]
    regions = groupby(places, key=lambda name: name.split("/")[0])
    return [
        ("UTC", "UTC"),
        *(
            (region, [(name, name.replace("_", " ")) for name in names])
            for region, names in regions
        ),
    ]


class AccountForm(ServiceForm, SeenForm):
    """What people may change of themselves."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    time_zone = forms.ChoiceField(
        choices=zone_choices,
        help_text="Times are shown in it; the exact UTC is on hover.",
    )
