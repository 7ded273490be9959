"""One training: what it covers, of whom it is required, and the proposal to change that."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import Training, User
from governance.access.training_rules import MOST_VALIDITY_DAYS
from governance.approvals.forms import show_errors
from governance.approvals.selectors import standing
from governance.approvals.training_subject import (
    TrainingSubject,
    content_of,
    propose_requirement,
)
from governance.audit.selectors import timeline_for
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires


class RequirementForm(forms.Form):
    """For which roles a training is required, and how long it holds."""

    roles = forms.MultipleChoiceField(
        label="Required for",
        required=False,
        choices=[(one.code, one.title) for one in ROLES.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    validity_days = forms.IntegerField(
        label="Days it holds",
        min_value=1,
        max_value=MOST_VALIDITY_DAYS,
        help_text="For what is recorded from then on.",
    )
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A sentence that those who sign can judge.",
    )

    def as_proposal(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("roles", "validity_days")}


@requires(SIGNED_IN)
def training(request: HttpRequest, code: str) -> HttpResponse:
    """What does it cover, of whom is it required, and of whom should it be?"""
    user, now = cast(User, request.user), timezone.now()
    found: Training = get_or_404(Training.objects.all(), code=code)
    if request.method == "POST":
        TrainingSubject().check_can_propose(actor_of(request), found)
    form = RequirementForm(
        request.POST if request.method == "POST" else None, initial=content_of(found)
    )
    if request.method == "POST" and form.is_valid():
        try:
            change = propose_requirement(
                actor=actor_of(request),
                training=found,
                proposal=form.as_proposal(),
                reason=form.cleaned_data["reason"],
                now=now,
            )
        except Invalid as refused:
            show_errors(form, refused)
        else:
            messages.success(request, "Proposed. What is required stays until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
    sees_people = user.may(Permission.PEOPLE_VIEW)
    context = {
        "training": found,
        "standing": standing(TrainingSubject.kind, found, now),
        "form": form if user.may(Permission.SIGN_COMPLIANCE) else None,
        "sees_people": sees_people,
        "events": timeline_for(found)[:30] if sees_people else [],
    }
    status = 422 if form.errors else 200
    return page(request, "governance/approvals/training.html", context, status=status)
