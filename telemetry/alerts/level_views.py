"""Service levels: does it keep what it promises, and how fast does it use up its budget?"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Sum
from django.db.models.functions import TruncDay, TruncHour
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.late_saves import differences
from governance.access.models import User
from governance.audit.selectors import timeline_for
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.alerts import charts, levels
from telemetry.alerts.burning import BURN_RULES, Tally, burn_rate, can_fire, in_words
from telemetry.alerts.level_checks import tallies_of
from telemetry.alerts.level_forms import ChangeForm, LevelForm, SettingsForm
from telemetry.alerts.models import ServiceLevel, ServiceLevelQuerySet


def levels_visible_to(user: User) -> ServiceLevelQuerySet:
    return ServiceLevel.objects.visible_to(user).select_related("use_case__team")


@requires(Permission.ALERT_VIEW)
def level_list(request: HttpRequest) -> HttpResponse:
    """All in reach, with the budget that was left at the last check."""
    user = cast(User, request.user)
    found, use_case = levels_visible_to(user), request.GET.get("use_case", "")
    if use_case:
        found = found.filter(use_case__slug=use_case)
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "narrows": bool(use_case),
        "may_set": user.may(Permission.USE_CASE_MANAGE),
    }
    return page(request, "telemetry/alerts/levels.html", context)


@requires(Permission.USE_CASE_MANAGE)
def level_new(request: HttpRequest) -> HttpResponse:
    """A promise of a use case; what is past is counted with it."""
    user = cast(User, request.user)
    chosen = request.GET.get("for") or request.GET.get("use_case", "")
    form = LevelForm(user, request.POST or None, initial={"use_case": chosen})
    if request.method == "POST" and form.is_valid():
        try:
            level = levels.set_level(actor=actor_of(request), now=timezone.now(), **form.settings())
        except Invalid as error:
            _show_errors(form, error)
        else:
            messages.success(request, "Set. It is counted within a minute, with what is past.")
            return redirect("alerts:level", pk=level.pk)
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/alerts/level_new.html", {"form": form}, status=status)


@requires(Permission.ALERT_VIEW)
def level_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The budget that is left, how it was used up, and which alerts burn."""
    level = _visible(request, pk)
    return page(request, "telemetry/alerts/level.html", _detail(request, level))


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def level_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another promise; a form that was read before somebody else's change says so once."""
    level = _visible(request, pk)
    levels.check_can_set(actor_of(request), level.use_case)
    form = ChangeForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            levels.change_level(
                actor=actor_of(request), level_id=pk, now=timezone.now(), **form.cleaned_data
            )
        except Invalid as error:
            _show_errors(form, error)
        except Conflict as error:
            form, status = _late(form, request, level), error.status
            form.add_error(None, error.message)
        else:
            messages.success(request, "Saved. It is counted anew within a minute.")
            return redirect("alerts:level", pk=pk)
    context = _detail(request, level) | {"form": form}
    return page(request, "telemetry/alerts/level.html", context, status=status)


def _late(form: ChangeForm, request: HttpRequest, level: ServiceLevel) -> ChangeForm:
    """What was typed, beside what stands now."""
    late = differences(form, {name: getattr(level, name) for name in SettingsForm.base_fields})
    newest = request.POST.copy()
    newest["version"] = str(level.version)
    form = ChangeForm(newest)
    form.differences = late
    return form


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def level_switch(request: HttpRequest, pk: int) -> HttpResponse:
    _visible(request, pk)
    is_enabled = request.POST.get("is_enabled") == "yes"
    levels.switch_level(
        actor=actor_of(request), level_id=pk, is_enabled=is_enabled, now=timezone.now()
    )
    said = "On: it is counted within a minute." if is_enabled else "Off: nobody is told anything."
    messages.success(request, said)
    return redirect("alerts:level", pk=pk)


def _visible(request: HttpRequest, pk: int) -> ServiceLevel:
    found: ServiceLevel = get_or_404(levels_visible_to(cast(User, request.user)), pk=pk)
    return found


def _detail(request: HttpRequest, level: ServiceLevel) -> dict[str, Any]:
    now = level.checked_at or timezone.now()
    may_set = levels.can_set(actor_of(request), level.use_case)
    _, tallies = tallies_of(level, now)
    steps = charts.steps(_steps(level, now), level.objective)
    form = ChangeForm(initial={name: getattr(level, name) for name in ChangeForm.base_fields})
    return {
        "level": level,
        "rules": [_rule(level, rule, tallies) for rule in BURN_RULES],
        "steps": steps,
        "by_hour": _by_hour(level),
        "figure": figure_data(charts.budget(steps)) if steps else None,
        "bad_calls": _bad_calls(level),
        "form": form if may_set else None,
        "may_set": may_set,
        "events": timeline_for(level)[:50],
    }


def _rule(level: ServiceLevel, rule: Any, tallies: dict[timedelta, Tally]) -> dict[str, Any]:
    rates = [burn_rate(tallies[window], level.objective) for window in (rule.long, rule.short)]
    said = ["no events" if rate is None else f"{rate:.2f} ×" for rate in rates]
    return {
        "factor": f"{rule.factor.normalize():f} ×",
        "severity": rule.severity,
        "long": in_words(rule.long),
        "long_rate": said[0],
        "short": in_words(rule.short),
        "short_rate": said[1],
        "events": tallies[rule.long].total,
        "burns": rule.name in level.burning,
        "can_fire": can_fire(rule, level.objective),
    }


def _by_hour(level: ServiceLevel) -> bool:
    return level.window_days <= 3


def _steps(level: ServiceLevel, now: datetime) -> list[tuple[datetime, Tally]]:
    """Sums by day of the reader's zone, or by hour of a short window."""
    since = (now - timedelta(days=level.window_days)).replace(second=0, microsecond=0)
    cut = TruncHour("starts_at") if _by_hour(level) else TruncDay("starts_at")
    rows = level.slots.filter(starts_at__gte=since).order_by().annotate(step=cut).values("step")
    summed = rows.annotate(events=Sum("total"), wrong=Sum("bad")).order_by("step")
    found = {row["step"]: Tally(row["events"], row["wrong"]) for row in summed}
    if not found:
        return []
    return [(moment, found.get(moment, Tally())) for moment in _moments(level, since, now)]


def _moments(level: ServiceLevel, since: datetime, now: datetime) -> list[datetime]:
    """Every day (or hour) of the window, also those in which nothing happened."""
    if _by_hour(level):
        first = since.replace(minute=0)
        return [first + timedelta(hours=hour) for hour in range(level.window_days * 24 + 1)]
    zone = timezone.get_current_timezone()
    first_day, last_day = (timezone.localdate(moment) for moment in (since, now))
    days = range((last_day - first_day).days + 1)
    return [datetime.combine(first_day + timedelta(days=day), time(), zone) for day in days]


def _bad_calls(level: ServiceLevel) -> str:
    """The filter of the call list that shows what was bad."""
    narrowed = {
        "errors": "state=failed",
        "latency": f"slower={(level.threshold or 0) + 1}",
        "hold_time": "held=yes",
    }.get(level.indicator, "")
    return f"/calls/?use_case={level.use_case.slug}&source=live&{narrowed}"


def _show_errors(form: Form, error: Invalid) -> None:
    """Each beside its field; what has none, above them all."""
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)
