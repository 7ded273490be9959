"""The corrections of the ledger, and the form for another one."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.chargeback import adjusting
from telemetry.chargeback.models import Adjustment
from telemetry.chargeback.views import show_errors
from telemetry.ledger.models import LedgerEntry


class CorrectionForm(forms.Form):
    """How much, and why."""

    kind = forms.ChoiceField(
        choices=[
            ("adjustment", "Adjustment: what was booked was wrong"),
            ("credit", "Credit: it is given back"),
        ]
    )
    amount = forms.DecimalField(
        max_digits=18,
        decimal_places=9,
        help_text="Added to what was booked; below 0 it is taken off.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    reason = forms.CharField(
        max_length=adjusting.LONGEST_REASON,
        help_text="It stands on the statement, for whoever pays.",
    )


class DayForm(CorrectionForm):
    """For an amount that no single entry stands for."""

    team: Any = forms.ModelChoiceField(Team.objects.order_by("name"), to_field_name="slug")
    use_case: Any = forms.ModelChoiceField(
        UseCase.objects.order_by("title"), to_field_name="slug", required=False
    )
    deployment: Any = forms.ModelChoiceField(
        Deployment.objects.order_by("name"), to_field_name="slug", required=False
    )
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    field_order = ["team", "use_case", "deployment", "day", "kind", "amount", "reason"]


@requires(Permission.CHARGEBACK_VIEW)
def adjustment_list(request: HttpRequest) -> HttpResponse:
    """Corrections in reach, newest first, with the entry that each became."""
    user = cast(User, request.user)
    rows = Adjustment.objects.visible_to(user).select_related(
        "team", "use_case", "deployment", "corrects", "entry", "asked_by"
    )
    team = request.GET.get("team", "")
    if team:
        rows = rows.filter(team__slug=team)
    listed = Paginator(rows, 50).get_page(request.GET.get("page"))
    changes = ChangeRequest.objects.filter(
        kind=adjusting.KIND, subject_id__in=[one.pk for one in listed]
    )
    by_subject = {one.subject_id: one for one in changes}
    context = {
        "page": listed,
        "rows": [(one, by_subject.get(one.pk)) for one in listed],
        "team": team,
        "alone": adjusting.ALONE_UP_TO,
        "may_adjust": user.may(Permission.STATEMENT_CLOSE),
    }
    return page(request, "telemetry/chargeback/adjustments.html", context)


@requires(Permission.STATEMENT_CLOSE)
def adjustment_new(request: HttpRequest) -> HttpResponse:
    """Correct the entry that `entry` names, or an amount of a day where it names none."""
    entry = _entry(request)
    form_class = CorrectionForm if entry else DayForm
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = {"actor": actor_of(request), "now": timezone.now(), **form.cleaned_data}
        try:
            made = (
                adjusting.correct_entry(entry=entry, **facts)
                if entry
                else adjusting.adjust_day(**facts)
            )
        except Invalid as error:
            show_errors(form, error)
        except WrongState as error:
            form.add_error(None, error.message)
        else:
            return _done(request, made)
    context = {
        "form": form,
        "entry": entry,
        "left": adjusting.left_of(entry) if entry else None,
        "alone": adjusting.ALONE_UP_TO,
    }
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/chargeback/adjustment_new.html", context, status=status)


def _entry(request: HttpRequest) -> LedgerEntry | None:
    named = request.GET.get("entry", "")
    if not named:
        return None
    entries = LedgerEntry.objects.select_related("team", "use_case", "deployment", "call")
    number = int(named) if named.isdecimal() and len(named) < 19 else 0
    found: LedgerEntry = get_or_404(entries, pk=number)
    return found


def _done(request: HttpRequest, made: Adjustment) -> HttpResponse:
    if made.entry is None:
        messages.success(request, "Proposed: a second person of finance decides on it.")
        change = adjusting.change_of(made)
        if change is not None:
            return redirect("approvals:detail", pk=change.pk)
    else:
        messages.success(request, f"Booked to {made.entry.period:%B %Y}.")
    return redirect("chargeback:adjustments")
