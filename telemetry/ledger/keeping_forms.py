"""Forms of legal holds and erasures; the services check the same again."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone

from governance.access.forms import LAST_YEAR, LastDayField, ServiceForm
from governance.access.models import Team
from governance.kernel.authority import Actor
from governance.kernel.web import plain_name
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField
from telemetry.ledger import erasing, legal_holds
from telemetry.ledger.models import Call

END_USER_HELP = (
    "Exactly as applications send it in “user”. Only its SHA-256 is kept, as calls carry it."
)


class FirstDayField(forms.DateField):
    """The first day of a period, in the person's zone; gives the moment it begins."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> datetime | None:
        day = super().clean(value)
        if day is None:
            return None
        if day.year > LAST_YEAR:
            raise forms.ValidationError("Choose an earlier day, or none.")
        return datetime.combine(day, time(), timezone.get_current_timezone())


class CallField(forms.UUIDField):
    """A call by its identifier; gives the call."""

    widget = forms.TextInput(attrs={"maxlength": 36})

    def clean(self, value: Any) -> Call | None:
        pk = super().clean(value)
        if pk is None:
            return None
        found = Call.objects.select_related("team").filter(pk=pk).first()
        if found is None:
            raise forms.ValidationError("There is no such call.")
        return found


class ReasonText(forms.CharField):
    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "Kept in the audit log.")
        super().__init__(
            max_length=legal_holds.LONGEST_REASON,
            widget=forms.Textarea(attrs={"rows": 3}),
            **options,
        )


def end_user_field() -> forms.CharField:
    return forms.CharField(
        label="End user",
        required=False,
        strip=False,
        max_length=legal_holds.LONGEST_END_USER,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=END_USER_HELP,
    )


class HoldForm(ServiceForm):
    """What to keep, and why. The token tells a second sending from a second hold."""

    name = forms.CharField(
        max_length=120, validators=[plain_name], help_text="Such as the number of the case."
    )
    reason = ReasonText()
    use_case = UseCaseField(
        UseCase.objects.all(), label="Use case", required=False, empty_label="Any"
    )
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), to_field_name="slug", required=False, empty_label="Any"
    )
    call = CallField(required=False, help_text="The identifier of one call.")
    end_user = end_user_field()
    starts_at = FirstDayField(label="Calls from", required=False)
    ends_at = LastDayField(label="Calls until", required=False, help_text="The last day.")
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    SCOPE = ("use_case", "team", "call", "end_user", "starts_at", "ends_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_token"].initial = uuid.uuid4

    def counted(self, actor: Actor) -> legal_holds.Counted | None:
        """What it would keep back now; None when the form shows why that cannot be said."""

        def count(**facts: Any) -> legal_holds.Counted:
            scope: Any = {name: facts[name] for name in self.SCOPE}
            return legal_holds.count_scope(actor=actor, **scope)

        return self.carry_out(count)


class LiftForm(ServiceForm):
    """Why it is over."""

    reason = ReasonText(label="Why it may be lifted")


class ErasureForm(ServiceForm):
    """Whose texts go: an end user's, or those of one call."""

    end_user = end_user_field()
    call = CallField(
        required=False, label="Or one call", help_text="The identifier of one call, instead."
    )
    reason = ReasonText()
    form_token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form_token"].initial = uuid.uuid4

    def counted(self, actor: Actor, now: datetime) -> erasing.Before | None:
        """What would go; None when the form shows why that cannot be said."""

        def count(**facts: Any) -> erasing.Before:
            return erasing.count_erasure(
                actor=actor, now=now, end_user=facts["end_user"], call=facts["call"]
            )

        return self.carry_out(count)
