"""Count what a service level counts, and say when its budget burns too fast."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse

from governance.access.selectors import holders
from governance.home.services import notify
from governance.kernel.authority import Permission
from governance.registry.rules import Stage
from telemetry.alerts.burning import (
    BURN_RULES,
    LONGEST_BURN,
    WINDOWS,
    BurnRule,
    Tally,
    burning,
)
from telemetry.alerts.models import Alert, ServiceLevel, ServiceSlot
from telemetry.alerts.services import clear_cause, raise_alert

MINUTE = timedelta(minutes=1)
# What was settled by then is committed: these minutes are counted once more at every check.
LATE_COMMITS = timedelta(minutes=15)
JOB = "service levels"


def check_all(*, now: datetime) -> int:
    """Every level that is on, each in a transaction of its own; how many were checked."""
    on = ServiceLevel.objects.filter(is_enabled=True).exclude(use_case__stage=Stage.RETIRED)
    return sum(
        check_level(level_id=pk, now=now) for pk in on.order_by("pk").values_list("pk", flat=True)
    )


@transaction.atomic
def check_level(*, level_id: int, now: datetime) -> bool:
    """Count it up to now, and raise or end its alerts; False when another worker is at it."""
    rows = ServiceLevel.objects.select_for_update(of=("self",), skip_locked=True)
    level = rows.select_related("use_case__team").filter(pk=level_id, is_enabled=True).first()
    if level is None:
        return False
    _count(level, now)
    budget, tallies = tallies_of(level, now)
    fired = burning(tallies, level.objective, level.minimum_events)
    level.total, level.bad, level.checked_at = budget.total, budget.bad, now
    level.burning = [rule.name for rule in fired]
    level.save(update_fields=["total", "bad", "checked_at", "burning", "counted_until"])
    for rule in BURN_RULES:
        if rule in fired:
            _raise(level, rule, now)
        else:
            clear_cause(cause=cause_of(level, rule), job=JOB, now=now)
    return True


def kept_for(level: ServiceLevel) -> timedelta:
    return max(timedelta(days=level.window_days), LONGEST_BURN)


def _count(level: ServiceLevel, now: datetime) -> None:
    """Replace the newest minutes by what stands in the ledger now; forget those past the window."""
    oldest = _minute(now - kept_for(level))
    since = oldest
    if level.counted_until is not None:
        since = max(oldest, _minute(level.counted_until - LATE_COMMITS))
    found = level.means.count(level.use_case_id, level.threshold, since, now)
    level.slots.filter(Q(starts_at__gte=since) | Q(starts_at__lt=oldest)).delete()
    ServiceSlot.objects.bulk_create(
        [
            ServiceSlot(level=level, starts_at=one.starts_at, total=one.total, bad=one.bad)
            for one in found
        ],
        batch_size=2000,
    )
    level.counted_until = now


def tallies_of(level: ServiceLevel, now: datetime) -> tuple[Tally, dict[timedelta, Tally]]:
    """The budget's window, and each of the alerts' windows; one query."""
    budget_window = timedelta(days=level.window_days)
    windows = {"budget": budget_window} | {
        f"w{number}": window for number, window in enumerate(WINDOWS)
    }
    sums = {
        f"{name}_{column}": Sum(column, filter=Q(starts_at__gte=_minute(now - window)), default=0)
        for name, window in windows.items()
        for column in ("total", "bad")
    }
    row = level.slots.order_by().aggregate(**sums)
    tallies = {name: Tally(row[f"{name}_total"], row[f"{name}_bad"]) for name in windows}
    return tallies.pop("budget"), {windows[name]: tally for name, tally in tallies.items()}


def cause_of(level: ServiceLevel, rule: BurnRule) -> str:
    return f"service-level:{level.pk}:{rule.name}"


def forget_alerts(level: ServiceLevel, now: datetime) -> None:
    for rule in BURN_RULES:
        clear_cause(cause=cause_of(level, rule), job=JOB, now=now)


def _raise(level: ServiceLevel, rule: BurnRule, now: datetime) -> None:
    """The alert of that speed; people are told when it opens, not every minute."""
    cause = cause_of(level, rule)
    stands = Alert.objects.unresolved().filter(cause=cause).exists()
    title = f"{level.means.label} of {level.use_case} burns its error budget: {rule.words}"
    url = reverse("alerts:level", args=[level.pk])
    raise_alert(
        cause=cause,
        title=title[:300],
        severity=rule.severity,
        now=now,
        url=url,
        team=level.use_case.team,
    )
    if stands:
        return
    team = level.use_case.team
    told = {one.pk: one for one in holders(Permission.ALERT_MANAGE, team, now=now)}
    told[level.use_case.owner_id] = level.use_case.owner
    notify(users=told.values(), title=title, url=url, now=now, kind="alert")


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
