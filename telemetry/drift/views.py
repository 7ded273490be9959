"""Drift: what has moved, since when, does it matter?"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
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
from telemetry.drift import charts, selectors, services
from telemetry.drift.forms import ChangeForm, MonitorForm, SettingsForm
from telemetry.drift.models import DriftCheck, DriftMonitor
from telemetry.drift.rules import FINAL_STATES, Measure
from telemetry.drift.tasks import run_check


@requires(Permission.DRIFT_VIEW)
def monitor_list(request: HttpRequest) -> HttpResponse:
    """Monitors in reach with their last state; filters live in the address."""
    user = cast(User, request.user)
    monitors = selectors.monitors_visible_to(user)
    found = selectors.narrowed(monitors, request.GET)
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "states": FINAL_STATES,
        "measures": list(Measure),
        "narrows": any(request.GET.get(name) for name in ("state", "measure", "use_case")),
        "may_manage": user.may(Permission.DRIFT_MANAGE),
    }
    return page(request, "telemetry/drift/list.html", context)


@requires(Permission.DRIFT_MANAGE)
def monitor_new(request: HttpRequest) -> HttpResponse:
    """Watch a measure of a use case; the first check runs within a minute."""
    user = cast(User, request.user)
    chosen = request.GET.get("for") or request.GET.get("use_case", "")
    form = MonitorForm(user, request.POST or None, initial={"use_case": chosen})
    if request.method == "POST" and form.is_valid():
        try:
            monitor = services.create_monitor(
                actor=actor_of(request), now=timezone.now(), **form.settings()
            )
        except Invalid as error:
            _show_errors(form, error)
        else:
            messages.success(request, "It watches from now on; the first check runs in a minute.")
            return redirect("drift:detail", pk=monitor.pk)
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/drift/new.html", {"form": form}, status=status)


@requires(Permission.DRIFT_VIEW)
def monitor_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The last result with its charts and numbers, all checks, and the settings."""
    monitor = _visible(request, pk)
    return page(request, "telemetry/drift/detail.html", _detail(request, monitor))


@requires(Permission.DRIFT_VIEW)
def monitor_result(request: HttpRequest, pk: int) -> HttpResponse:
    """For the page's polling: a line while a check runs, then the whole result, and no more."""
    monitor = _visible(request, pk)
    running = monitor.checks.open().first()
    if running is not None:
        context = {"monitor": monitor, "running": running}
        return page(request, "telemetry/drift/_running.html", context)
    response = page(request, "telemetry/drift/_result.html", _result(request, monitor), status=286)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#result", "outerHTML"
    return response


@requires(Permission.DRIFT_MANAGE)
@require_POST
def monitor_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Other settings; a form that was read before somebody else's change says so once."""
    monitor = _visible(request, pk)
    form = ChangeForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            services.change_monitor(
                actor=actor_of(request), monitor_id=pk, now=timezone.now(), **form.cleaned_data
            )
        except Invalid as error:
            _show_errors(form, error)
        except Conflict as error:
            stands = {name: getattr(monitor, name) for name in SettingsForm.base_fields}
            late = differences(form, stands)
            newest = request.POST.copy()
            newest["version"] = str(monitor.version)
            form, status = ChangeForm(newest), error.status
            form.differences = late
            form.add_error(None, error.message)
        else:
            messages.success(request, "Saved. The next check uses the new settings.")
            return redirect("drift:detail", pk=pk)
    context = _detail(request, monitor) | {"form": form}
    return page(request, "telemetry/drift/detail.html", context, status=status)


@requires(Permission.DRIFT_MANAGE)
@require_POST
def monitor_switch(request: HttpRequest, pk: int) -> HttpResponse:
    _visible(request, pk)
    is_enabled = request.POST.get("is_enabled") == "yes"
    services.switch_monitor(
        actor=actor_of(request), monitor_id=pk, is_enabled=is_enabled, now=timezone.now()
    )
    said = "On: the next check runs within a minute." if is_enabled else "Off: nothing is checked."
    messages.success(request, said)
    return redirect("drift:detail", pk=pk)


@requires(Permission.DRIFT_MANAGE)
@require_POST
def monitor_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a check now; a worker runs it and the page shows when it is done."""
    _visible(request, pk)
    with transaction.atomic():
        check = services.request_check(actor=actor_of(request), monitor_id=pk, now=timezone.now())
        check_id = check.pk
        transaction.on_commit(lambda: run_check.delay(check_id))
    return redirect("drift:detail", pk=pk)


def _visible(request: HttpRequest, pk: int) -> DriftMonitor:
    monitors = selectors.monitors_visible_to(cast(User, request.user))
    found: DriftMonitor = get_or_404(monitors, pk=pk)
    return found


def _detail(request: HttpRequest, monitor: DriftMonitor) -> dict[str, Any]:
    user = cast(User, request.user)
    may_manage = user.may(Permission.DRIFT_MANAGE, monitor.use_case.team)
    form = ChangeForm(initial={name: getattr(monitor, name) for name in ChangeForm.base_fields})
    return _result(request, monitor) | {
        "running": monitor.checks.open().first(),
        "may_manage": may_manage,
        "form": form if may_manage else None,
        "events": timeline_for(monitor)[:50],
    }


def _result(request: HttpRequest, monitor: DriftMonitor) -> dict[str, Any]:
    checks = selectors.finished_checks(monitor)
    listed = Paginator(checks, 20).get_page(request.GET.get("page"))
    latest = listed.object_list[0] if listed.number == 1 and listed.object_list else checks.first()
    trend = selectors.trend_of(monitor)
    return {
        "monitor": monitor,
        "page": listed,
        "latest": latest,
        "rows": [_window_row(latest, name) for name in charts.WINDOWS] if latest else [],
        "is_lengths": Measure(monitor.measure).is_distribution,
        "words": WORDS[Measure(monitor.measure)],
        # One point is no trend; the numbers of a first check stand above.
        "trend": figure_data(charts.trend(trend, _trend_finding(trend)))
        if len(trend) > 1
        else None,
    } | _picture(monitor, latest)


# What the page calls that which a measure counts.
WORDS = {
    Measure.OUTPUT_LENGTH: {"counted": "calls", "unit": "output tokens"},
    Measure.VALIDATION_FAILURES: {
        "counted": "calls",
        "failed": "Failed validation",
        "share": "share of calls that failed",
    },
    Measure.CORRECTED_SHARE: {
        "counted": "decisions",
        "failed": "Corrected",
        "share": "share of decisions that corrected",
    },
    Measure.EDIT_DISTANCE: {"counted": "corrections", "unit": "percent of the answer changed"},
}


def _window_row(check: DriftCheck, name: str) -> dict[str, Any]:
    """One window of a check in words and numbers."""
    medians = dict(zip(charts.WINDOWS, check.picture.get("medians", []), strict=False))
    tally = check.picture.get(name)
    row = {
        "name": name,
        "starts_at": getattr(check, f"{name}_from"),
        "ends_at": getattr(check, f"{name}_until"),
        "calls": getattr(check, f"{name}_count"),
        "replayed": getattr(check, f"{name}_replayed"),
        "median": medians.get(name),
    }
    if not isinstance(tally, dict) or tally["share"] is None:
        return row | {"failures": 0, "share": "none", "interval": "none"}
    interval = f"{tally['low']:.1%} to {tally['high']:.1%}"
    return row | {
        "failures": tally["failures"],
        "share": f"{tally['share']:.1%}",
        "interval": interval,
    }


def _picture(monitor: DriftMonitor, check: DriftCheck | None) -> dict[str, Any]:
    """The chart of both windows and the rows of the table under it."""
    if check is None or not (check.reference_count or check.current_count):
        return {"figure": None}
    finding = f"{monitor.title}: {check.get_state_display().replace('_', ' ')}"
    if check.size is not None and check.threshold is not None:
        finding += f", differs by {check.size:.1%} against {check.threshold:.1%}"
    words = WORDS[Measure(monitor.measure)]
    if Measure(monitor.measure).is_distribution:
        figure = charts.lengths(check.picture, finding, words["unit"], words["counted"])
        return {"figure": figure_data(figure), "bins": charts.bins(check.picture)}
    return {"figure": figure_data(charts.shares(check.picture, finding, words["share"]))}


def _trend_finding(checks: list[DriftCheck]) -> str:
    over = sum((one.size or 0) >= float(one.threshold or 1) for one in checks)
    return f"{over} of the last {len(checks)} measured differences reached the threshold"


def _show_errors(form: Form, error: Invalid) -> None:
    for name, sentences in error.fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not error.fields:
        form.add_error(None, error.message)
