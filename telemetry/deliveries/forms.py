"""The form of a standing order; the service checks the same again."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from governance.access.forms import ServiceForm, zone_choices
from governance.access.models import Team, User
from governance.kernel.authority import Permission
from telemetry.deliveries.rules import FORMAT_WORDS, LAST_DAY_OF_MONTH, OCCASION_WORDS
from telemetry.webhooks.models import WebhookEndpoint


def teams_for(user: User) -> Any:
    """Teams whose statements the person sees."""
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    found = Team.objects.order_by("name", "pk")
    return found if reach.everywhere else found.filter(pk__in=reach.team_ids)


class ScheduleForm(ServiceForm):
    """What, in which format, when, to whom. The token tells a second sending from a second order."""

    team = forms.ModelChoiceField(
        Team.objects.none(), label="Document", to_field_name="slug", required=False
    )
    format = forms.ChoiceField(
        choices=list(FORMAT_WORDS.items()), help_text="PDF is for the statement of one team."
    )
    occasion = forms.ChoiceField(
        label="When", choices=[(one.value, words) for one, words in OCCASION_WORDS.items()]
    )
    day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LAST_DAY_OF_MONTH,
        help_text="Of the month, 1 to 28; of the week, 1 (Monday) to 7. Not for closings.",
    )
    time_zone = forms.ChoiceField(choices=zone_choices, help_text="It is sent at 6:00 there.")
    recipient = forms.EmailField(
        label="By mail to",
        required=False,
        max_length=254,
        help_text="Somebody who signs in here and sees the document; leave empty for a webhook.",
    )
    endpoint = forms.ModelChoiceField(
        WebhookEndpoint.objects.none(),
        label="Or told to the webhook",
        required=False,
        empty_label="None",
        help_text="It gets a link with size and SHA-256, never the content.",
    )
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        team, endpoint = self.fields["team"], self.fields["endpoint"]
        team.queryset = teams_for(user)  # type: ignore[attr-defined]  # a ModelChoiceField
        team.label_from_instance = lambda one: f"Statement of {one.name}"  # type: ignore[attr-defined]  # the same
        everything = user.reach(Permission.CHARGEBACK_VIEW).everywhere
        team.empty_label = "Usage of the organisation" if everything else "Choose"  # type: ignore[attr-defined]  # the same
        kept = WebhookEndpoint.objects.visible_to(user).filter(is_active=True)
        endpoint.queryset = kept.select_related("use_case")  # type: ignore[attr-defined]  # the same
        self.fields["form_token"].initial = uuid.uuid4

    def clean_endpoint(self) -> int | None:
        chosen: WebhookEndpoint | None = self.cleaned_data["endpoint"]
        return chosen.pk if chosen else None
