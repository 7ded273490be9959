"""Service levels: set, changed, switched."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from governance.registry.rules import Stage
from telemetry.alerts.burning import LIMITS, out_of_bounds
from telemetry.alerts.level_checks import forget_alerts
from telemetry.alerts.models import ServiceLevel
from telemetry.alerts.registries import indicators


class Settings(TypedDict, total=False):
    """What of a level can be changed later. `threshold` in its indicator's unit."""

    threshold: int | None
    objective: Decimal
    window_days: int
    minimum_events: int


# What, when it changes, makes what was counted mean something else.
COUNTED_BY = frozenset({"threshold", "window_days"})


@transaction.atomic
def set_level(
    *, actor: Actor, use_case: UseCase, indicator: str, now: datetime, **settings: Unpack[Settings]
) -> ServiceLevel:
    """A new promise of the use case; it is counted within a minute. Raises Invalid by field."""
    check_can_set(actor, use_case)
    if indicator not in indicators:
        known = ", ".join(sorted(indicators))
        raise Invalid("Nothing was set.", fields={"indicator": [f"Choose one of: {known}."]})
    # Two who set the same at once wait for each other here.
    locked = UseCase.objects.select_for_update(of=("self",)).get(pk=use_case.pk)
    if locked.stage == Stage.RETIRED:
        raise Invalid("Nothing was set: a retired use case promises nothing.")
    if ServiceLevel.objects.filter(use_case=use_case, indicator=indicator).exists():
        raise Invalid(
            "Nothing was set.",
            fields={"indicator": ["This use case has one of this kind; change that."]},
        )
    level = ServiceLevel(
        use_case=use_case,
        indicator=indicator,
        created_at=now,
        created_by_label=actor.label[:200],
        **settings,
    )
    _check(level, "Nothing was set.")
    level.save(force_insert=True)
    _record(actor, "service_level.set", level, now, after=_facts(level))
    return level


@transaction.atomic
def change_level(
    *, actor: Actor, level_id: int, version: int, now: datetime, **settings: Unpack[Settings]
) -> ServiceLevel:
    """Another promise from now on, over the same past; raises Conflict for an old `version`."""
    level = locked_level(level_id)
    check_can_set(actor, level.use_case)
    if level.version != version:
        raise Conflict(
            "Nothing was saved: somebody changed this service level since you read it. It now "
            f"says: {level.promise}. What you typed is kept; save again to set it."
        )
    before = _facts(level)
    for name, value in settings.items():
        setattr(level, name, value)
    _check(level, "Nothing was saved.")
    after = _facts(level)
    if any(before[name] != after[name] for name in COUNTED_BY):
        level.slots.all().delete()
        level.counted_until = None
    level.version += 1
    level.save()
    _record(actor, "service_level.changed", level, now, before=before, after=after)
    return level


@transaction.atomic
def switch_level(*, actor: Actor, level_id: int, is_enabled: bool, now: datetime) -> ServiceLevel:
    """Off, its alerts end and nothing is counted; on, what was missed is counted."""
    level = locked_level(level_id)
    check_can_set(actor, level.use_case)
    if level.is_enabled == is_enabled:
        return level
    level.is_enabled = is_enabled
    level.version += 1
    if not is_enabled:
        forget_alerts(level, now)
        level.burning = []
    level.save(update_fields=["is_enabled", "version", "burning"])
    _record(actor, f"service_level.switched_{'on' if is_enabled else 'off'}", level, now)
    return level


def locked_level(level_id: int) -> ServiceLevel:
    levels = ServiceLevel.objects.select_for_update(of=("self",)).select_related("use_case__team")
    found: ServiceLevel = get_or_404(levels, pk=level_id)
    return found


def check_can_set(actor: Actor, use_case: UseCase) -> None:
    if not can_set(actor, use_case):
        raise NotAllowed(
            "Nothing was changed: the product owner of the use case's team says what it promises."
        )


def can_set(actor: Actor, use_case: UseCase) -> bool:
    return actor.may(Permission.USE_CASE_MANAGE, use_case.team)


def _check(level: ServiceLevel, sentence: str) -> None:
    fields: dict[str, list[str]] = {}
    if not level.means.has_threshold:
        level.threshold = None
    elif level.threshold is None:
        fields["threshold"] = [f"Say how many {level.means.unit} are good."]
    for name in LIMITS:
        value = getattr(level, name)
        if value is not None and (wrong := out_of_bounds(name, value)):
            fields[name] = [wrong]
    if fields:
        raise Invalid(sentence, fields=fields)


def _facts(level: ServiceLevel) -> dict[str, Any]:
    return {
        "use_case": level.use_case.slug,
        "indicator": level.indicator,
        "threshold": level.threshold,
        # The column's scale, so that 99 and 99.000 are one objective.
        "objective": f"{level.objective:.3f}",
        "window_days": level.window_days,
        "minimum_events": level.minimum_events,
    }


def _record(actor: Actor, action: str, level: ServiceLevel, now: datetime, **content: Any) -> None:
    record(
        actor=actor,
        action=action,
        subject=level,
        now=now,
        team_id=level.use_case.team_id,
        **content,
    )
