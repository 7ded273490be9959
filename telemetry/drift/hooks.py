"""What drift plugs into the kernel, the shell, the register and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef
from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import decisive_evidence
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.rules import Evidence
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.registries import Panel, use_case_panels
from telemetry.drift.decisive import drift_evidence
from telemetry.drift.models import DriftCheck, DriftMonitor
from telemetry.drift.rules import DRIFT_CHECK_STATES

transition_tables.add("DriftCheck.state", DRIFT_CHECK_STATES)

decisive_evidence.add("drift", drift_evidence)

for action, sentence in {
    "drift_monitor.created": "{actor} made the drift monitor {subject}",
    "drift_monitor.changed": "{actor} changed the drift monitor {subject}",
    "drift_monitor.switched_on": "{actor} switched the drift monitor {subject} on",
    "drift_monitor.switched_off": "{actor} switched the drift monitor {subject} off",
    "drift_monitor.check_requested": "{actor} asked for a check of {subject}",
    "drift_check.finished": "{actor} finished {subject}",
}.items():
    audit_actions.add(action, sentence)

_SEES = (Permission.DRIFT_VIEW,)
navigation.add(
    "drift", NavigationItem("Run", "Drift", "drift:list", "trending-up-down", _SEES, order=35)
)


def drift_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """What is watched of a use case, and the state of each monitor's last check."""
    if not user.may(Permission.DRIFT_VIEW, use_case.team):
        return {}
    monitors = DriftMonitor.objects.filter(use_case=use_case).with_last_check()
    return {
        "use_case": use_case,
        "monitors": list(monitors[:10]),
        "may_manage": user.may(Permission.DRIFT_MANAGE, use_case.team),
    }


use_case_panels.add(
    "drift", Panel("Drift", 60, "telemetry/drift/_use_case_panel.html", drift_panel, _SEES)
)

COLUMNS = (
    "id",
    "measured_at",
    "use_case",
    "measure",
    "state",
    "reference_from",
    "reference_until",
    "reference_count",
    "reference_replayed",
    "current_from",
    "current_until",
    "current_count",
    "current_replayed",
    "minimum_sample",
    "threshold",
    "test",
    "statistic",
    "p_value",
    "effect",
    "sentence",
)
_FLOATS = ("statistic", "p_value", "effect")


def check_evidence(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Checks measured in the period. Floats as text, because a pack is canonical."""
    checks = (
        DriftCheck.objects.over()
        .filter(measured_at__gte=scope.starts_at, measured_at__lt=scope.ends_at)
        .select_related("monitor__use_case")
    )
    if scope.team_id is not None:
        checks = checks.filter(monitor__use_case__team_id=scope.team_id)
    for one in checks.order_by("measured_at", "pk").iterator():
        row = {name: getattr(one, name, None) for name in COLUMNS}
        numbers = {name: row[name] for name in _FLOATS}
        yield (
            row
            | {
                "use_case": one.monitor.use_case.slug,
                "measure": one.monitor.measure,
            }
            | {name: "" if value is None else f"{value:.6g}" for name, value in numbers.items()}
        )


evidence_sections.add(
    "drift_checks",
    EvidenceSection("drift_checks", "Drift checks", COLUMNS, check_evidence),
)


def checked_monitors(now: datetime, user: User | None) -> Evidence:
    """Monitors that are on and were measured within a week, whatever the check found."""
    newest = DriftCheck.objects.over().filter(measured_at__gte=now - timedelta(days=7))
    facts = DriftMonitor.objects.filter(is_enabled=True).aggregate(
        all=Count("pk"), good=Count("pk", Exists(newest.filter(monitor=OuterRef("pk"))))
    )
    last = DriftCheck.objects.over().aggregate(at=Max("measured_at"))["at"]
    sentence = f"{facts['good']} of {facts['all']} drift monitors were measured within a week."
    return Evidence(sentence, facts["good"], facts["all"], last, reverse("drift:list"))


control_evidence.add(
    "drift-checks",
    EvidenceSource(
        "Drift checks", checked_monitors, Permission.DRIFT_VIEW, fresh_for=timedelta(days=7)
    ),
)
