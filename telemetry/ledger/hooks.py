"""What the ledger plugs into the kernel, the shell, the register and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q
from django.urls import reverse

from governance.access.models import User
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.audit.selectors import timeline_for
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.rules import Evidence
from governance.home.registries import NavigationItem, RuleTable, navigation, rule_tables
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.registries import Panel, ledger_metrics, use_case_panels
from telemetry.alerts.registries import indicators, metric_sources
from telemetry.ledger import retention
from telemetry.ledger.announcing import KINDS
from telemetry.ledger.booking_rules import BOOKING_RULES
from telemetry.ledger.figures import FIGURES
from telemetry.ledger.indicators import INDICATORS
from telemetry.ledger.keeping_evidence import (
    ERASURE_COLUMNS,
    HOLD_COLUMNS,
    bodies_in_words,
    erasure_rows,
    hold_rows,
)
from telemetry.ledger.metrics import call_metrics
from telemetry.ledger.models import Call, LedgerEntry
from telemetry.ledger.registries import BodyStore, CallPanel, body_scopes, body_stores, call_panels
from telemetry.ledger.rules import CALL_STATES, ERASURE_STATES
from telemetry.webhooks.registries import event_kinds

for figure, measured in FIGURES.items():
    ledger_metrics.add(figure, measured)
rule_tables.add("booking", RuleTable("How a call is booked", BOOKING_RULES))
transition_tables.add("Call.state", CALL_STATES)
transition_tables.add("Erasure.state", ERASURE_STATES)
body_stores.add(
    "payloads",
    BodyStore(
        "Bodies of calls",
        retention.count_payloads,
        retention.erase_payloads,
        lambda now, most: retention.destroy_payloads(now=now, batch=most),
    ),
)

audit_actions.add("ledger.sealed", "{actor} sealed a batch of calls: {subject}")
audit_actions.add("ledger.replayed", "{actor} loaded usage history: {subject}")
audit_actions.add("call.released", "{actor} released the held answer of {subject}")
audit_actions.add("call.corrected", "{actor} corrected the held answer of {subject}")
audit_actions.add("call.rejected", "{actor} rejected the held answer of {subject}")
audit_actions.add("call.expired", "{actor} let the held answer of {subject} expire")
audit_actions.add("call.bodies_opened", "{actor} opened the bodies of {subject}")

for action, sentence in {
    "legal_hold.placed": "{actor} placed {subject}",
    "legal_hold.lifted": "{actor} lifted {subject}",
    "erasure.requested": "{actor} asked for the {subject}",
    "erasure.finished": "{actor} finished the {subject}",
    "erasure.certified": "{actor} took the certificate of the {subject}",
}.items():
    audit_actions.add(action, sentence)
for kind, described in KINDS.items():
    event_kinds.add(kind, described)

navigation.add(
    "calls",
    NavigationItem("Run", "Calls", "ledger:list", "activity", (Permission.CALL_VIEW,), order=10),
)

navigation.add(
    "legal holds",
    NavigationItem(
        "Prove", "Legal holds", "ledger:holds", "lock", (Permission.LEGAL_HOLD_MANAGE,), order=40
    ),
)
navigation.add(
    "erasures",
    NavigationItem(
        "Prove", "Erasures", "ledger:erasures", "eraser", (Permission.ERASURE_MANAGE,), order=45
    ),
)
metric_sources.add("calls", call_metrics)
for name, indicator in INDICATORS.items():
    indicators.add(name, indicator)
body_scopes.add("team", lambda call: [call.team])


def call_history(call: Call, user: User, now: datetime) -> dict[str, Any]:
    """What people did with the call, from the audit log."""
    if not user.may(Permission.AUDIT_VIEW, call.team):
        return {}
    events = list(timeline_for(call)[:50])
    return {"events": events} if events else {}


call_panels.add(
    "history",
    CallPanel(
        "History",
        90,
        "governance/audit/_timeline.html",
        call_history,
        (Permission.AUDIT_VIEW,),
    ),
)


def latest_calls(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """The last five calls of a use case."""
    calls = Call.objects.visible_to(user).filter(use_case=use_case).select_related("deployment")
    return {"calls": list(calls[:5]), "use_case": use_case}


use_case_panels.add(
    "calls",
    Panel(
        "Latest calls",
        60,
        "telemetry/ledger/_use_case_panel.html",
        latest_calls,
        (Permission.CALL_VIEW,),
    ),
)

CALL_COLUMNS = (
    "id",
    "use_case",
    "team",
    "deployment",
    "prompt",
    "source",
    "mode",
    "state",
    "sensitivity",
    "admitted_at",
    "finished_at",
    "decided_at",
    "request_hash",
    "response_hash",
    "decided_hash",
    "redactions",
    "findings",
    "hold_reason",
    "refusal_code",
    "tokens_input",
    "tokens_cached",
    "tokens_output",
    "tokens_reasoning",
    "images",
    "attempts",
    "cost",
    "currency",
    "confidence",
    "confidence_method",
    "digest_version",
    "digest",
    "seal",
    "seal_position",
    "bodies",
)
# Written by name or key: to read them as attributes would be a query per row.
CALL_RELATED = {"use_case", "team", "deployment", "prompt", "seal", "bodies"}


def call_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Calls admitted in the period, oldest first; no bodies."""
    calls = Call.objects.filter(
        admitted_at__gte=scope.starts_at, admitted_at__lt=scope.ends_at
    ).select_related("use_case", "team", "deployment", "payload__erasure")
    if scope.team_id is not None:
        calls = calls.filter(team_id=scope.team_id)
    for call in calls.order_by("admitted_at", "id").iterator(chunk_size=2000):
        row = {name: None if name in CALL_RELATED else getattr(call, name) for name in CALL_COLUMNS}
        yield row | {
            "use_case": call.use_case.slug,
            "team": call.team.slug,
            "deployment": call.deployment.slug if call.deployment else None,
            "prompt": call.prompt_label,
            "seal": call.seal_id,
            "bodies": bodies_in_words(call),
        }


ENTRY_COLUMNS = (
    "id",
    "call",
    "attempt",
    "kind",
    "team",
    "use_case",
    "deployment",
    "period",
    "day",
    "tokens_input",
    "tokens_cached",
    "tokens_output",
    "tokens_reasoning",
    "images",
    "amount",
    "currency",
    "priced_amount",
    "priced_currency",
    "rate_id",
    "source",
    "corrects",
    "description",
    "created_at",
)
ENTRY_RELATED = {"call", "team", "use_case", "deployment", "corrects"}


def entry_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Money lines of the period's days, in the order in which they were booked."""
    entries = LedgerEntry.objects.filter(
        created_at__gte=scope.starts_at, created_at__lt=scope.ends_at
    ).select_related("team", "use_case", "deployment")
    if scope.team_id is not None:
        entries = entries.filter(team_id=scope.team_id)
    for entry in entries.order_by("pk").iterator(chunk_size=2000):
        row = {
            name: None if name in ENTRY_RELATED else getattr(entry, name) for name in ENTRY_COLUMNS
        }
        yield row | {
            "call": entry.call_id,
            "team": entry.team.slug,
            "use_case": entry.use_case.slug if entry.use_case else None,
            "deployment": entry.deployment.slug if entry.deployment else None,
            "corrects": entry.corrects_id,
        }


evidence_sections.add(
    "calls",
    EvidenceSection(
        "calls", "Calls", CALL_COLUMNS, call_rows, counted_by=("state", "use_case", "deployment")
    ),
)
evidence_sections.add(
    "ledger",
    EvidenceSection(
        "ledger",
        "Ledger entries",
        ENTRY_COLUMNS,
        entry_rows,
        summed="amount",
        summed_by=("team", "source", "currency"),
    ),
)


evidence_sections.add(
    "legal_holds",
    EvidenceSection(
        "legal_holds", "Legal holds", HOLD_COLUMNS, hold_rows, counted_by=("use_case",)
    ),
)
evidence_sections.add(
    "erasures",
    EvidenceSection("erasures", "Erasures", ERASURE_COLUMNS, erasure_rows, counted_by=("state",)),
)

SEALED_WITHIN = timedelta(days=30)


def sealed_calls(now: datetime, user: User | None) -> Evidence:
    """Of the calls that were settled in thirty days: those that a seal fixes."""
    settled = Call.objects.exclude(digest="").filter(admitted_at__gte=now - SEALED_WITHIN)
    facts = settled.aggregate(
        all=Count("pk"), good=Count("pk", Q(seal__isnull=False)), last=Max("seal__sealed_at")
    )
    sentence = f"{facts['good']} of {facts['all']} settled calls of thirty days are sealed."
    return Evidence(sentence, facts["good"], facts["all"], facts["last"], reverse("ledger:list"))


control_evidence.add(
    "sealed-calls",
    # A seal follows within a minute: the newest calls have none yet.
    EvidenceSource(
        "Sealed calls",
        sealed_calls,
        Permission.CALL_VIEW,
        at_least=Decimal("0.95"),
        fresh_for=SEALED_WITHIN,
    ),
)
