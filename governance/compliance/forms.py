"""The forms of an action; the service checks the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.models import User
from governance.compliance.rules import Framework


class ActionForm(forms.Form):
    """What shall close a gap."""

    control = forms.ChoiceField()
    text = forms.CharField(max_length=300, label="Action", help_text="What shall be true then.")
    owner = forms.ModelChoiceField(User.objects.filter(is_active=True))
    due_on = forms.DateField(
        label="By", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, framework: Framework, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(one.ref, f"{one.code} {one.title}") for one in framework.controls]
        self.fields["control"] = forms.ChoiceField(choices=offered)


class DoneForm(forms.Form):
    """By what an action is done."""

    note = forms.CharField(max_length=500, label="Done by what")
