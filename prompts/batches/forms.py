"""The upload of a batch; the service checks the same again."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from governance.access.forms import ServiceForm
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import plain_name
from governance.registry.models import UseCase
from prompts.batches.rules import MOST_CALLS_PER_MINUTE


def use_cases_for(user: User) -> Any:
    """Use cases that this person may call."""
    reach = user.reach(Permission.CALL_TRY)
    found = UseCase.objects.select_related("team").order_by("title")
    return found if reach.everywhere else found.filter(team_id__in=reach.team_ids)


class BatchForm(ServiceForm):
    """A file, at a pace, within a budget."""

    use_case = forms.ModelChoiceField(
        UseCase.objects.none(), label="Use case", to_field_name="slug", empty_label="Choose"
    )
    model = forms.CharField(
        label="Prompt",
        required=False,
        max_length=200,
        help_text="Such as use-case/prompt, where the use case has several. Empty: its only one.",
    )
    name = forms.CharField(max_length=120, validators=[plain_name])
    file = forms.FileField(
        label="File",
        help_text="JSON Lines: {“custom_id”: …, “variables”: {…}} or OpenAI's batch input. "
        "At most 20,000 lines and 50 MB.",
    )
    calls_per_minute = forms.IntegerField(
        label="Calls a minute", min_value=1, max_value=MOST_CALLS_PER_MINUTE, initial=60
    )
    budget = forms.DecimalField(
        max_digits=18,
        decimal_places=9,
        help_text="The most that the whole batch may cost. It stops before the call that could "
        "pass it.",
    )
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["use_case"].queryset = use_cases_for(user)  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["form_token"].initial = uuid.uuid4

    def clean(self) -> dict[str, Any]:
        """As the service takes it: chunks of the file, the token as its idempotency key."""
        facts = super().clean() or self.cleaned_data
        if "file" in facts:
            facts["chunks"] = facts.pop("file").chunks()
        if "form_token" in facts:
            facts["idempotency_key"] = f"form:{facts.pop('form_token')}"
        return facts


class BudgetForm(ServiceForm):
    """Go on, with another budget or the same."""

    budget = forms.DecimalField(max_digits=18, decimal_places=9, required=False)
