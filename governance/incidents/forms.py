"""Forms of an incident; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from governance.access.models import User
from governance.incidents.models import Playbook
from governance.incidents.rules import FACTS, SEVERITIES
from governance.incidents.selectors import commanders, containable
from governance.kernel.web import plain_name
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField

_FACT_CHOICES = list(FACTS.items())
_SEVERITY_CHOICES = [(one, one) for one in SEVERITIES]


def _facts_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=_FACT_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="What it touched",
        help_text="Each starts the legal clocks that count from it. More can be added later.",
    )


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self, **given: Any) -> None:
        # A browser's date field takes this form alone, whatever the reader's language writes.
        super().__init__(**({"format": "%Y-%m-%d"} | given))


class DeclareForm(forms.Form):
    """What happened, as far as it is known."""

    title = forms.CharField(
        max_length=200, label="What happened, in a line", validators=[plain_name]
    )
    description = forms.CharField(
        max_length=10_000, label="What is known", widget=forms.Textarea(attrs={"rows": 5})
    )
    severity = forms.ChoiceField(choices=_SEVERITY_CHOICES)
    facts = _facts_field()
    aware_at = forms.DateTimeField(
        required=False,
        label="Known here since (UTC)",
        help_text="Legal clocks count from then. Empty: since now.",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    use_case = UseCaseField(UseCase.objects.none(), required=False, empty_label="not known")
    playbook = forms.ModelChoiceField(Playbook.objects.all(), empty_label=None)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["use_case"] = UseCaseField(
            UseCase.objects.visible_to(user), required=False, empty_label="not known"
        )


class ClassifyForm(forms.Form):
    """How bad it is, as is known now."""

    severity = forms.ChoiceField(choices=_SEVERITY_CHOICES)
    facts = _facts_field()
    reason = forms.CharField(max_length=500, label="What is known now")


class StepForm(forms.Form):
    """One step of the playbook."""

    note = forms.CharField(required=False, max_length=500, label="What was found or done")


class MoveForm(forms.Form):
    """Words for the record."""

    words = forms.CharField(
        required=False,
        max_length=20_000,
        label="Words for the record",
        help_text="The post-mortem, when it is reviewed; the reason, when it is reopened.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ContainForm(forms.Form):
    """What to act on, and why."""

    target = forms.ChoiceField(label="Act on")
    reason = forms.CharField(max_length=300, label="Why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = containable()
        choices = [
            (kind.label, [(f"{kind.code}:{one.identifier}", one.label) for one in targets])
            for kind, targets in offered
        ]
        effects = " ".join(f"{kind.label}: {kind.effect}" for kind, _ in offered)
        self.fields["target"] = forms.ChoiceField(
            label="Act on", choices=choices, help_text=effects
        )


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=300, label="Why")


class NoteForm(forms.Form):
    """By what something is met or done."""

    note = forms.CharField(max_length=500)


class CommanderForm(forms.Form):
    """Who commands from now on."""

    commander = forms.ModelChoiceField(User.objects.none())
    reason = forms.CharField(required=False, max_length=300, label="Why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["commander"] = forms.ModelChoiceField(
            commanders(timezone.now()), label="Commander"
        )


class ActionForm(forms.Form):
    """What shall change."""

    text = forms.CharField(max_length=300, label="Action")
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True), required=False, empty_label="nobody yet"
    )
    due_on = forms.DateField(label="By", widget=_Day)


class AssignForm(forms.Form):
    """Who answers for an action."""

    owner = forms.ModelChoiceField(User.objects.filter(is_active=True))
    due_on = forms.DateField(label="By", widget=_Day)
