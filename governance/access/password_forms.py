"""The forms of passwords; allauth's own, whose change is written down with it."""

from __future__ import annotations

from allauth.account.fields import SetPasswordField
from allauth.account.forms import (
    ChangePasswordForm,
    ConfirmPasswordResetCodeForm,
    ResetPasswordKeyForm,
)
from django import forms
from django.utils import timezone

from governance.access.forms import ServiceForm
from governance.access.passwords import change_own
from governance.kernel.web import plain_name

LONGEST = 200


def _written(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        help_text=help_text,
    )


def _chosen() -> SetPasswordField:
    """Judged by the validators of the settings, beside the person's own name and address."""
    return SetPasswordField(
        label="New password", max_length=LONGEST, help_text="At least 12 characters."
    )


class ChangeForm(ChangePasswordForm):  # type: ignore[misc]  # allauth is untyped
    """Who is signed in gives the old one."""

    oldpassword = _written("Current password", "current-password")
    password1 = _chosen()
    password2 = _written("New password once more", "new-password")

    def save(self) -> None:
        chosen = self.cleaned_data["password1"]
        change_own(user=self.user, password=chosen, now=timezone.now())


class CodeForm(ConfirmPasswordResetCodeForm):  # type: ignore[misc]  # allauth is untyped
    """The code of a mail; three wrong ones end it."""

    code = forms.CharField(label="Code", max_length=30, validators=[plain_name])


class ResetForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth is untyped
    """Who typed the code of a mail."""

    password1 = _chosen()
    password2 = _written("Once more", "new-password")

    def save(self) -> None:
        chosen = self.cleaned_data["password1"]
        change_own(user=self.user, password=chosen, now=timezone.now(), by_mail=True)


class GivenPasswordForm(ServiceForm):
    """A new first password for somebody else."""

    password = _written(
        "New first password",
        "new-password",
        "At least 12 characters. Tell it them in person; they change it on their account page.",
    )
    reason = forms.CharField(
        required=False, max_length=300, help_text="How you know that it is they who ask."
    )
