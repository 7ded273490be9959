"""Make a bundle of one's own open requests."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.approvals.bundle_rules import LEAST_PARTS, MOST_PARTS
from governance.approvals.bundling import can_be_bundled, make_bundle
from governance.approvals.forms import show_errors
from governance.approvals.models import ChangeRequest
from governance.approvals.registries import change_subjects
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import SIGNED_IN, actor_of, page, plain_name, requires

# More than this nobody chooses from; the oldest are offered.
MOST_OFFERED = 100


class _Parts(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.title} ({change_subjects[obj.kind].label.lower()}, {obj.tier} risk)"


class BundleForm(forms.Form):
    """Which of one's open requests, and why together."""

    title = forms.CharField(max_length=200, label="What they do together", validators=[plain_name])
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=5000,
        label="Why together",
        help_text="In a sentence that those who sign can judge.",
    )

    def __init__(self, *args: Any, offered: QuerySet[ChangeRequest], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parts = _Parts(
            queryset=offered,
            widget=forms.CheckboxSelectMultiple,
            label="Requests",
            help_text=f"From {LEAST_PARTS} to {MOST_PARTS}; they are applied from top to bottom.",
        )
        self.fields = {"changes": parts} | self.fields


@requires(SIGNED_IN)
def new(request: HttpRequest) -> HttpResponse:
    """Which of my open requests shall be decided as one?"""
    user = cast(User, request.user)
    offered = can_be_bundled(user)
    shown = offered.filter(pk__in=list(offered.values_list("pk", flat=True)[:MOST_OFFERED]))
    form = BundleForm(request.POST or None, offered=shown)
    if request.method == "POST" and form.is_valid():
        try:
            made = _make(request, form)
        except Invalid as refused:
            show_errors(form, refused)
        except (NotAllowed, WrongState) as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "They are one request now, decided and applied together.")
            return redirect("approvals:detail", pk=made.pk)
    context = {"form": form, "enough": shown.count() >= LEAST_PARTS}
    return page(
        request,
        "governance/approvals/bundle.html",
        context,
        status=422 if form.is_bound else 200,
    )


def _make(request: HttpRequest, form: BundleForm) -> ChangeRequest:
    given = form.cleaned_data
    return make_bundle(
        actor=actor_of(request),
        change_ids=[one.pk for one in given["changes"]],
        title=given["title"],
        reason=given["reason"],
        now=timezone.now(),
    )
