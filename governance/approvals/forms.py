"""Forms of what stands; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.approvals.rules import APPROVAL_STATES, SIGNING
from governance.kernel.errors import Invalid


class _Day(forms.DateInput):
    input_type = "date"


class ReasonForm(forms.Form):
    """Why an approval is suspended, resumed or revoked."""

    reason = forms.CharField(
        label="Why", max_length=300, help_text="It stands in the log and is told to the proposer."
    )


class EvidenceForm(forms.Form):
    """By what a condition is met."""

    evidence = forms.CharField(
        label="By what it is met",
        max_length=500,
        help_text="A link, a document's number, or what was done.",
    )


class FilterForm(forms.Form):
    """Which approvals are listed."""

    kind = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False)
    soon = forms.BooleanField(required=False, label="Runs out within 30 days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(code, kind.label) for code, kind in change_subjects.items()]
        states = [(state, state.replace("_", " ")) for state in APPROVAL_STATES.states[1:]]
        self.fields["kind"] = forms.ChoiceField(
            required=False, choices=[("", "every kind"), *kinds]
        )
        self.fields["state"] = forms.ChoiceField(
            required=False, choices=[("", "in force"), *states, ("all", "every state")]
        )


class DelegationForm(forms.Form):
    """Whom to let sign, what, from and until."""

    delegate = forms.ModelChoiceField(User.objects.none(), label="Who signs")
    permission = forms.ChoiceField(label="What")
    starts_at = forms.DateField(label="From", widget=_Day, help_text="From now on, if today.")
    ends_at = forms.DateField(label="Until", widget=_Day, help_text="With this day, in UTC.")
    reason = forms.CharField(max_length=300, label="Why")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = User.objects.filter(is_active=True).exclude(pk=user.pk)
        held = [(one.value, one.replace("_", " ")) for one in SIGNING if user.may(one)]
        self.fields["delegate"] = forms.ModelChoiceField(others, label="Who signs")
        self.fields["permission"] = forms.ChoiceField(label="What", choices=held)


def show_errors(form: forms.Form, error: Invalid) -> None:
    """Put what a service refused beside the fields it names, the rest above them."""
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)
