"""Forms of what stands; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.approvals.policies import (
    APPROVABLE,
    LEAST_HOURS,
    MOST_DAYS,
    MOST_HOURS,
    MOST_OF_ONE,
)
from governance.approvals.registries import change_subjects
from governance.approvals.rules import APPROVAL_STATES, SIGNING, signs_as
from governance.kernel.authority import Permission
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


class PolicyForm(forms.Form):
    """Who signs one kind of change at one tier, how fast, and for how long it holds."""

    decision_hours = forms.IntegerField(
        min_value=LEAST_HOURS,
        max_value=MOST_HOURS,
        label="Working hours to decide",
        help_text="Eight make a working day; weekends do not count.",
    )
    validity_days = forms.IntegerField(
        min_value=1, max_value=MOST_DAYS, label="Days an approval is valid"
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Why",
        help_text="What is better then, in a sentence that those who sign can judge.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counts: dict[str, forms.Field] = {
            one.value: forms.IntegerField(
                min_value=0, max_value=MOST_OF_ONE, required=False, label=signs_as(one)
            )
            for one in SIGNING
        }
        self.fields = counts | self.fields

    def as_proposal(self) -> dict[str, Any]:
        given = self.cleaned_data
        signing = [{"permission": one.value, "count": given[one.value] or 0} for one in SIGNING]
        hours, days = given["decision_hours"], given["validity_days"]
        return {"sign_offs": signing, "decision_hours": hours, "validity_days": days}


class SimulationForm(forms.Form):
    """What would be proposed, for whom and by whom."""

    tier = forms.ChoiceField(label="Risk", choices=[(one, one) for one in APPROVABLE])

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(code, kind.label) for code, kind in change_subjects.items()]
        people = User.objects.filter(is_active=True).order_by("name", "pk")
        self.fields = {"kind": forms.ChoiceField(choices=kinds)} | self.fields
        self.fields["team"] = forms.ModelChoiceField(
            teams_for(user, Permission.CHANGE_VIEW),
            required=False,
            empty_label="the whole organisation",
        )
        self.fields["proposer"] = forms.ModelChoiceField(people, empty_label=None)


def show_errors(form: forms.Form, error: Invalid) -> None:
    """Put what a service refused beside the fields it names, the rest above them."""
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)
