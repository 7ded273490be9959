"""Forms of webhooks; the services check the same again."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from governance.access.forms import ServiceForm
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from telemetry.webhooks.addresses import LONGEST_URL
from telemetry.webhooks.registries import event_kinds


def use_cases_for(user: User) -> Any:
    """Use cases of the teams whose keys and webhooks this person keeps."""
    reach = user.reach(Permission.API_KEY_MANAGE)
    found = UseCase.objects.select_related("team").order_by("title")
    return found if reach.everywhere else found.filter(team_id__in=reach.team_ids)


class EndpointChangeForm(ServiceForm):
    """Where to send, and what."""

    url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text="Public and https. Redirects are not followed.",
    )
    events = forms.MultipleChoiceField(
        label="It hears when", widget=forms.CheckboxSelectMultiple, choices=()
    )
    is_active = forms.BooleanField(label="Turned on", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(code, kind.label) for code, kind in event_kinds.items()]
        self.fields["events"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField


class EndpointForm(EndpointChangeForm):
    """A new endpoint. The token tells a second sending from a second endpoint."""

    use_case = forms.ModelChoiceField(
        UseCase.objects.none(), label="Use case", to_field_name="slug", empty_label="Choose"
    )
    form_token = forms.UUIDField(widget=forms.HiddenInput)
    field_order = ("use_case", "url", "events")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["is_active"]
        self.fields["use_case"].queryset = use_cases_for(user)  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["form_token"].initial = uuid.uuid4
