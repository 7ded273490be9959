"""Forms of trainings and their records; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.forms import ServiceForm
from governance.access.models import Training, User
from governance.access.training_rules import MOST_VALIDITY_DAYS, TRAINING_STATE_CHOICES
from governance.kernel.authority import ROLES
from governance.kernel.web import plain_name


class TrainingForm(ServiceForm):
    """A new training."""

    title = forms.CharField(max_length=150, validators=[plain_name])
    covers = forms.CharField(
        label="What it covers", max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )
    validity_days = forms.IntegerField(
        label="Days it holds", min_value=1, max_value=MOST_VALIDITY_DAYS, initial=365
    )
    link = forms.URLField(
        max_length=300,
        required=False,
        assume_scheme="https",
        help_text="Where it is taken, or what it teaches.",
    )
    code = forms.SlugField(
        label="Short name",
        max_length=60,
        required=False,
        help_text="For addresses; made from the title if left empty.",
    )


class TrainingRecordForm(ServiceForm):
    """Somebody completed a training."""

    person = forms.ModelChoiceField(User.objects.none(), empty_label="Choose")
    training = forms.ModelChoiceField(Training.objects.all(), empty_label="Choose")
    completed_on = forms.DateField(
        label="Completed on", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    evidence = forms.CharField(
        max_length=300, help_text="A link, a certificate's number, or who was there."
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = self.fields["person"]
        assert isinstance(person, forms.ModelChoiceField)  # noqa: S101  # tells mypy
        # Nobody keeps their own.
        person.queryset = User.objects.filter(is_active=True).exclude(pk=user.pk)


class RegisterFilterForm(forms.Form):
    """Which roles the register shows."""

    role = forms.ChoiceField(
        required=False,
        choices=[("", "every role"), *((one.code, one.title) for one in ROLES.values())],
    )
    state = forms.ChoiceField(
        required=False, label="Training", choices=[("", "every state"), *TRAINING_STATE_CHOICES]
    )
