"""Forms of what stands; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders, teams_for
from governance.approvals.meetings import MAY_RUN
from governance.approvals.policies import APPROVABLE
from governance.approvals.registries import Parted, change_subjects
from governance.approvals.rules import APPROVAL_STATES, SIGNING
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import plain_name


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self, **given: Any) -> None:
        # A browser's date field takes this form alone, whatever the reader's language writes.
        super().__init__(**({"format": "%Y-%m-%d"} | given))


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


class MeetingForm(forms.Form):
    """When a meeting is, and who chairs it."""

    title = forms.CharField(
        max_length=200,
        label="Name",
        help_text="As in “AI board, November”.",
        validators=[plain_name],
    )
    held_on = forms.DateField(label="Day", widget=_Day)
    chaired_by = forms.ModelChoiceField(User.objects.none(), label="Chair", empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now, people = timezone.now(), User.objects.none()
        for permission in MAY_RUN:
            people = people | holders(permission, now=now)
        chairs = people.distinct().order_by("name", "pk")
        self.fields["chaired_by"] = forms.ModelChoiceField(chairs, label="Chair", empty_label=None)


class SimulationForm(forms.Form):
    """What would be proposed, for whom and by whom."""

    tier = forms.ChoiceField(label="Risk", choices=[(one, one) for one in APPROVABLE])

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Who signs a bundle depends on its parts.
        kinds = [
            (code, kind.label)
            for code, kind in change_subjects.items()
            if not isinstance(kind, Parted)
        ]
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
