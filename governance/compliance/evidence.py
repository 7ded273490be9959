"""The live queries over the records of governance. Each counts; none names a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import Approval, ChangeRequest, Decision
from governance.audit.models import AuditEvent, Checkpoint, PendingEvent
from governance.compliance.rules import Evidence
from governance.incidents.models import ContainmentAction, NotificationClock, Playbook
from governance.incidents.rules import kinds_to_prepare_for
from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.model_cards.models import Deployment
from governance.policy.rules import lacks_oversight
from governance.registry.models import (
    Dataset,
    Disclosure,
    Measurement,
    RiskAssessment,
    SuccessMetric,
    UseCase,
)

SERVED = ("pilot", "production")


def approvals_in_force(now: datetime, user: User | None) -> Evidence:
    """Of the approvals that nobody ended: in force, so neither suspended nor run out."""
    standing = Approval.objects.unended()
    facts = standing.aggregate(
        all=Count("pk"),
        good=Count("pk", Q(pk__in=Approval.objects.in_force(now).values("pk"))),
        newest=Max("valid_from"),
    )
    return _evidence(
        facts, "{n} of {m} standing approvals are in force.", reverse("approvals:standing")
    )


def independent_decisions(now: datetime, user: User | None) -> Evidence:
    """Applied changes on which somebody decided who had not proposed them."""
    # Whoever decides on a bundle decides on all its parts.
    decided = Q(change=OuterRef("pk")) | Q(change=OuterRef("bundle__change"))
    other = Decision.objects.filter(decided, is_void=False)
    other = other.exclude(person=OuterRef("proposer"))
    facts = ChangeRequest.objects.filter(state="applied").aggregate(
        all=Count("pk"), good=Count("pk", Exists(other)), newest=Max("closed_at")
    )
    return _evidence(
        facts,
        "{n} of {m} applied changes were decided by a second person.",
        reverse("approvals:list"),
    )


def incident_clocks(now: datetime, user: User | None) -> Evidence:
    """Of the legal clocks that are over: met in time, or found not to apply by a second person."""
    is_over = Q(met_at__isnull=False) | Q(waived_at__isnull=False) | Q(due_at__lt=now)
    facts = (
        NotificationClock.objects.filter(is_over)
        .exclude(incident__state="not_incident")
        .aggregate(
            all=Count("pk"),
            good=Count("pk", Q(met_at__lte=F("due_at")) | Q(waived_at__isnull=False)),
            met=Max("met_at"),
            waived=Max("waived_at"),
            due=Max("due_at", filter=Q(met_at=None, waived_at=None)),
        )
    )
    times = [facts[name] for name in ("met", "waived", "due") if facts[name]]
    facts["newest"] = max(times, default=None)
    return _evidence(
        facts,
        "{n} of {m} legal clocks that are over were met in time or waived.",
        reverse("incidents:list"),
    )


def playbooks(now: datetime, user: User | None) -> Evidence:
    """Of the kinds of incident that must be prepared for: those with a playbook."""
    kinds = {kind for one in Sensitivity for kind in kinds_to_prepare_for(one)}
    there = Playbook.objects.filter(kind__in=kinds).aggregate(n=Count("kind", distinct=True))
    facts = {"all": len(kinds), "good": there["n"], "newest": _last_change(Playbook)}
    return _evidence(
        facts,
        "{n} of {m} kinds of incident to prepare for have a playbook.",
        reverse("incidents:playbooks"),
    )


def audit_log(now: datetime, user: User | None) -> Evidence:
    """The log is proved up to its oldest event that no checkpoint covers; without one, until now."""
    last = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    waiting = PendingEvent.objects.aggregate(n=Count("pk"), oldest=Min("event__at"))
    counted = {"all": last + waiting["n"], "good": last, "newest": waiting["oldest"] or now}
    return _evidence(
        counted, "{n} of {m} audit events stand under a signed checkpoint.", reverse("audit:index")
    )


def risk_assessments(now: datetime, user: User | None) -> Evidence:
    """Registered use cases, not retired, whose risk somebody assessed."""
    assessed = RiskAssessment.objects.filter(use_case=OuterRef("pk"))
    known = UseCase.objects.filter(is_draft=False).exclude(stage="retired")
    facts = known.aggregate(all=Count("pk"), good=Count("pk", Exists(assessed)))
    facts["newest"] = RiskAssessment.objects.aggregate(at=Max("at"))["at"]
    return _evidence(
        facts, "{n} of {m} use cases have a risk assessment.", reverse("registry:list")
    )


def disclosure(now: datetime, user: User | None) -> Evidence:
    """Served use cases whose notice is approved, in force, and was asked for by an application."""
    today = now.astimezone(UTC).date()
    its = Disclosure.objects.filter(use_case=OuterRef("pk")).in_force(today)
    facts = _serving().aggregate(
        all=Count("pk"),
        approved=Count("pk", Exists(its)),
        good=Count("pk", Exists(its.filter(fetched_at__isnull=False))),
    )
    shown = Disclosure.objects.filter(use_case__in=_serving(), state="approved")
    facts["newest"] = shown.aggregate(at=Max("fetched_at"))["at"]
    sentence = (
        "{n} of {m} use cases that are served have an approved notice in force that their "
        f"application asked for; {facts['approved']} have one in force."
    )
    return _evidence(facts, sentence, reverse("registry:disclosures"))


def datasets_named(now: datetime, user: User | None) -> Evidence:
    named = Dataset.objects.filter(use_cases=OuterRef("pk"))
    return _served(
        "{n} of {m} use cases that are served name the data they rest on.", Exists(named)
    )


def oversight(now: datetime, user: User | None) -> Evidence:
    """A use case that was not assessed counts as high, as the gateway takes it."""
    declared = _serving().values_list("oversight", "tier").annotate(n=Count("pk")).order_by()
    strict = {
        (one, tier): not lacks_oversight(Oversight(one), RiskTier(tier or RiskTier.HIGH))
        for one, tier, _ in declared
    }
    counted = [(n, n * strict[one, tier]) for one, tier, n in declared]
    facts: dict[str, Any] = {
        "all": sum(n for n, _ in counted),
        "good": sum(good for _, good in counted),
        "newest": _last_change(UseCase),
    }
    return _evidence(
        facts,
        "{n} of {m} use cases that are served declare the oversight that their risk demands.",
        reverse("policy:overview"),
    )


def dataset_origins(now: datetime, user: User | None) -> Evidence:
    """With provenance, and for personal data with a lawful basis."""
    has_basis = Q(has_personal_data=False) | ~Q(lawful_basis="")
    facts = Dataset.objects.aggregate(
        all=Count("pk"), good=Count("pk", ~Q(provenance="") & has_basis)
    )
    facts["newest"] = _last_change(Dataset)
    return _evidence(
        facts,
        "{n} of {m} datasets say where they come from, and on which basis if they are personal.",
        reverse("registry:datasets"),
    )


def model_cards(now: datetime, user: User | None) -> Evidence:
    """Deployments whose card is approved and not yet due for its review."""
    is_current = Q(card__state="approved", card__review_on__gte=now.date())
    facts = Deployment.objects.aggregate(
        all=Count("pk"), good=Count("pk", is_current), newest=Max("card__created_at")
    )
    return _evidence(
        facts,
        "{n} of {m} deployments have an approved model card that is not due for review.",
        reverse("model_cards:list"),
    )


def measured_success(now: datetime, user: User | None) -> Evidence:
    measured = SuccessMetric.objects.filter(use_case=OuterRef("pk"), measurements__isnull=False)
    counted = _serving().aggregate(all=Count("pk"), good=Count("pk", Exists(measured)))
    days = Measurement.objects.filter(metric__use_case__in=_serving()).aggregate(last=Max("on"))
    counted["newest"] = _start_of(days["last"])
    return _evidence(
        counted,
        "{n} of {m} use cases that are served have a measured success metric.",
        reverse("registry:list"),
    )


def stopping(now: datetime, user: User | None) -> Evidence:
    """Containments that were carried out: stopping works, and was done."""
    facts = ContainmentAction.objects.aggregate(all=Count("pk"), newest=Max("done_at"))
    facts["good"] = facts["all"]
    return _evidence(
        facts,
        "{n} containments were carried out, the last one as dated.",
        reverse("incidents:list"),
    )


def _serving() -> QuerySet[UseCase]:
    return UseCase.objects.filter(stage__in=SERVED, is_draft=False)


def _served(sentence: str, good: Any) -> Evidence:
    facts = _serving().aggregate(all=Count("pk"), good=Count("pk", good))
    facts["newest"] = _last_change(UseCase)
    return _evidence(facts, sentence, reverse("registry:list"))


def _last_change(model: Any) -> datetime | None:
    """When the audit log last saw one of that kind change."""
    changes = AuditEvent.objects.filter(subject_type=model._meta.label)
    found: datetime | None = changes.aggregate(at=Max("at"))["at"]
    return found


def _start_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


def _evidence(facts: dict[str, Any], sentence: str, url: str) -> Evidence:
    words = sentence.format(n=facts["good"], m=facts["all"])
    return Evidence(words, facts["good"], facts["all"], facts["newest"], url)
