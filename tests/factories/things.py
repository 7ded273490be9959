"""The addresses of the URLconf, and one thing of each kind to fill their parameters with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from governance.access.models import ApiKey, Grant
from governance.approvals.delegation import delegate_signing
from governance.approvals.discussing import comment
from governance.approvals.meetings import plan_meeting
from governance.approvals.models import (
    AgendaItem,
    ChangePoint,
    ChangeRequest,
    Comment,
    Condition,
    Decision,
)
from governance.audit.models import AuditEvent
from governance.audit.packs import request_pack
from governance.audit.services import sequence
from governance.compliance.services import add_action as add_compliance_action
from governance.home.absences import state_absence
from governance.incidents import services as incidents
from governance.incidents.clocks import classify
from governance.incidents.models import NotificationClock
from governance.incidents.post_mortem import add_action
from governance.incidents.rules import FACTS
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment, ModelCard
from governance.model_cards.rates import enter_rate
from governance.registry.mitigations import add_mitigation, judge_residual
from governance.registry.models import ChecklistItem, Dataset, SuccessMetric, UseCase
from governance.registry.rounds import open_round
from prompts.batches.models import Batch
from prompts.batches.services import create_batch
from prompts.catalogue.models import Prompt
from prompts.corrections.selectors import Wanted
from prompts.corrections.services import request_export
from prompts.evaluation.models import EvaluationRun
from prompts.evaluation.services import add_case, create_suite
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.releases.models import Release
from reviews.decisions.models import ReviewDecision
from reviews.decisions.services import decide
from reviews.feedback.models import Feedback
from reviews.feedback.rule_services import RuleFacts as FeedbackFacts
from reviews.feedback.rule_services import write_rule as write_feedback_rule
from reviews.intake.services import RuleFacts, write_rule
from reviews.questions.models import Question
from reviews.questions.services import ask, withdraw
from reviews.queues.models import Queue, Retiming, ReviewItem
from reviews.queues.services import claim_item
from telemetry.alerts.levels import set_level
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.closing import request_closing
from telemetry.chargeback.models import Budget
from telemetry.chargeback.statements import begin_closing, close_statement
from telemetry.deliveries.delivering import deliver as carry_out
from telemetry.deliveries.services import create_schedule, send_now
from telemetry.drift.services import create_monitor, request_check
from telemetry.ledger.models import Call
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint
from telemetry.webhooks.services import create_endpoint, send_test
from tests.factories.allocation import make_rule, take_provider_file
from tests.factories.keeping import make_erasure, make_hold
from tests.factories.kept import once
from tests.factories.library import publish
from tests.factories.organisation import World, provider, world
from tests.factories.quality import make_judged
from tests.factories.reviews import make_item
from tests.factories.training import make_training, train
from tests.factories.vendors import make_vendor

# Signing in and out: the library's own pages.
ELSEWHERE = ("accounts/",)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """One line of the URLconf with what it declares."""

    path: str
    rule: Any
    is_api: bool

    def rules(self, method: str) -> tuple[Any, ...]:
        rule = self.rule.get(method) if isinstance(self.rule, dict) else self.rule
        if rule is None:
            return ()
        return rule if isinstance(rule, tuple) else (rule,)

    @property
    def prefix(self) -> str:
        return self.path.split("<")[0]


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one, path)
        else:
            yield path, one


def addresses() -> list[Address]:
    found = []
    for path, pattern in _walk(get_resolver()):
        if path.startswith(ELSEWHERE) or path.startswith("^"):
            continue
        view = pattern.callback
        view_class = getattr(view, "view_class", None)
        rule = getattr(view, "access_rule", None) or getattr(
            view_class, "required_permission", None
        )
        found.append(Address(path, rule, view_class is not None))
    return found


@dataclass
class Things:
    """One of each kind, all of the legal team, by the prefix of the addresses that name it."""

    here: World
    values: dict[tuple[str, str], Any]

    def fill(self, address: Address) -> str:
        return "/" + PARAMETER.sub(lambda hit: str(self._value(address, hit)), address.path)

    def _value(self, address: Address, hit: re.Match[str]) -> Any:
        before = address.path[: hit.start()].removeprefix("api/v1/")
        known = [key for key in self.values if key[1] == hit[1] and before.startswith(key[0])]
        assert known, f"no value for <{hit[1]}> of {address.path}: put one of its kind into Things"
        return self.values[max(known, key=lambda key: len(key[0]))]


def things_of(settings: Any) -> Things:
    """A world with a held call, an incident, an alert, a statement, a pack, all of one team."""
    made = once("things", lambda: _things_of(settings))
    # Nobody answers there any more.
    settings.PLACET_MODEL_URL = "http://127.0.0.1:9/v1"
    return made


def _things_of(settings: Any) -> Things:
    here = world()
    now, people = here.now, here.people
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        text = {"licence_text": "MIT License"}
        request = GovernedRequest(model="licence-review", presented_key=here.key, variables=text)
        reply = pipeline.run(request)
    assert reply.state == "held", reply
    safety, system = people.actor("safety"), Actor.system("tests")
    playbook, *_ = incidents.install_starting_playbooks(actor=system, now=now)
    incident = incidents.declare(
        actor=safety,
        playbook=playbook,
        title="Wrong licence",
        description="Seen twice.",
        severity="low",
        use_case=here.use_case,
        now=now,
    )
    incidents.move(actor=safety, incident_id=incident.pk, action="confirm", now=now)
    contained = incidents.contain(
        actor=safety,
        incident_id=incident.pk,
        kind="kill_switch",
        target_id=here.use_case.pk,
        reason="Look first.",
        now=now,
    )
    legal = people.teams["legal"]
    alert = raise_alert(cause="t", title="T", severity="warning", now=now, team=legal)
    level = set_level(
        actor=people.actor("owner"),
        use_case=here.use_case,
        indicator="errors",
        objective=Decimal("99.5"),
        now=now,
    )
    period = now.date().replace(day=1) - timedelta(days=1)
    statement = begin_closing(
        actor=people.actor("finance"), team=legal, period=period.replace(day=1), now=now
    )
    sealed = begin_closing(
        actor=people.actor("finance"), team=legal, period=date(2026, 1, 1), now=now
    )
    close_statement(actor=people.actor("finance"), statement_id=sealed.pk, now=now)
    closing_run = request_closing(
        actor=people.actor("finance"),
        period=statement.period,
        confirm=f"{statement.period:%Y-%m}",
        total="0",
        acknowledged=True,
        now=now,
    )
    rule = make_rule()
    provider_file = take_provider_file(people.actor("finance"), statement.period, now)
    today = now.astimezone(UTC).date()
    pack = request_pack(actor=people.actor("compliance"), starts_on=today, ends_on=today, now=now)
    sequence(now=timezone.now())
    grant = Grant.objects.filter(user=people.users["owner"]).first()
    use_case: UseCase = here.use_case
    mitigation = add_mitigation(
        actor=safety,
        use_case=use_case,
        risk="A licence is read wrongly",
        measure="Show the clause beside the answer",
        owner=people.users["owner"],
        due_on=now.date() + timedelta(days=9),
        now=now,
    )
    residual = judge_residual(
        actor=safety, use_case=use_case, tier="limited", rationale="As before.", now=now
    )
    step = incident.steps.first()
    assert grant is not None and step is not None
    call = Call.objects.get()
    condition = Condition.objects.create(
        change=ChangeRequest.objects.filter(state="applied", team=legal)[0],
        text="Publish the evaluation",
        owner=people.users["owner"],
        due_on=now.date() + timedelta(days=9),
    )
    incidents_classified(safety, incident.pk, now)
    action = add_action(
        actor=safety,
        incident_id=incident.pk,
        text="Say more in the guideline",
        owner=people.users["review_lead"],
        due_on=now.date() + timedelta(days=9),
        now=now,
    )
    gap = add_compliance_action(
        actor=people.actor("compliance"),
        framework="eu-ai-act",
        control="art-4",
        text="Keep a list of who was trained",
        owner=people.users["owner"],
        due_on=now.date() + timedelta(days=9),
        now=now,
    )
    made = make_training()
    training_record = train(people.users["owner"], made)
    publish(people.actor("compliance"), people.actor("board"), roles=("owner",), now=now)
    vendor = make_vendor(people.users["ml_engineer"], people.users["compliance"])
    delegation = delegate_signing(
        actor=people.actor("board"),
        delegate=people.users["owner"],
        permission="sign_board",
        starts_at=now,
        ends_at=now + timedelta(days=9),
        reason="Away.",
        now=now,
    )
    owner = people.actor("owner")
    absence = state_absence(
        actor=owner,
        person=people.users["owner"],
        starts_at=now + timedelta(days=20),
        ends_at=now + timedelta(days=30),
        now=now,
    )
    retimed = Retiming.objects.create(reason="To see.", at=now, total=0, finished_at=now)
    monitor = create_monitor(
        actor=safety,
        use_case=use_case,
        measure="output_length",
        reference_days=28,
        current_days=7,
        minimum_sample=50,
        interval_minutes=60,
        now=now,
    )
    check = request_check(actor=safety, monitor_id=monitor.pk, now=now)
    change = ChangeRequest.objects.filter(state="open").get()
    scoring_round = open_round(
        actor=safety,
        use_case=use_case,
        assessors=[people.users["safety"], people.users["owner"]],
        due_on=now.date() + timedelta(days=9),
        now=now,
    )
    said, point, item = discussed(here, change, now)
    event = AuditEvent.objects.filter(leaf__isnull=False).latest("at")
    rate = enter_rate(
        actor=people.actor("finance"),
        currency="CHF",
        day=now.date(),
        rate=Decimal("1.1"),
        source="ECB",
        now=now,
    )
    release, budget = Release.objects.get(), Budget.objects.get(team=legal, use_case=None)
    delivery, batch = asynchronous(here, now)
    judged = ReviewDecision.objects.create(
        item=ReviewItem.objects.get(), person=people.users["reviewer"], verdict="approve", at=now
    )
    values: dict[tuple[str, str], Any] = {
        ("webhooks/", "pk"): delivery.endpoint_id,
        ("webhooks/", "delivery"): delivery.pk,
        **delivered(here, now),
        ("batches/", "pk"): batch.pk,
        ("policy/rules/", "slug"): "injection",
        ("rule-sets/", "slug"): "injection",
        ("change-requests/", "pk"): change.pk,
        ("changes/", "pk"): change.pk,
        ("change-requests/", "comment"): said.pk,
        ("changes/", "comment"): said.pk,
        ("change-requests/", "point"): point.pk,
        ("changes/", "point"): point.pk,
        ("meetings/", "pk"): item.meeting_id,
        ("meetings/", "item"): item.pk,
        ("changes/policies/", "kind"): "use_case_stage",
        ("changes/policies/", "tier"): "limited",
        ("approvals/", "pk"): release.approval_id,
        ("approvals/", "action"): "suspend",
        ("approvals/conditions/", "pk"): condition.pk,
        ("conditions/", "pk"): condition.pk,
        ("delegations/", "pk"): delegation.pk,
        ("approvals/delegations/", "pk"): delegation.pk,
        ("absences/", "pk"): absence.pk,
        ("reviews/calendars/retimings/", "pk"): retimed.pk,
        ("review-retimings/", "pk"): retimed.pk,
        ("audit/", "pk"): event.pk,
        ("audit/packs/", "pk"): pack.pk,
        ("use-cases/", "slug"): use_case.slug,
        ("use-cases/", "step"): "risk",
        ("use-cases/", "metric"): SuccessMetric.objects.filter(use_case=use_case).get().pk,
        ("use-cases/", "mitigation"): mitigation.pk,
        ("use-cases/", "residual"): residual.pk,
        ("use-cases/<slug:slug>/rounds/", "pk"): scoring_round.pk,
        ("use-cases/", "round"): scoring_round.pk,
        ("use-cases/", "item"): ChecklistItem.objects.filter(use_case=use_case)[0].pk,
        ("datasets/", "pk"): Dataset.objects.get().pk,
        ("alerts/", "pk"): alert.pk,
        ("service-levels/", "pk"): level.pk,
        ("budgets/", "pk"): budget.pk,
        ("statements/", "pk"): statement.pk,
        ("month-end/", "month"): f"{statement.period:%Y-%m}",
        ("month-end/seals/", "pk"): sealed.versions.get().pk,
        ("month-end/runs/", "pk"): closing_run.pk,
        ("allocation/", "slug"): rule.slug,
        ("allocation/", "month"): f"{statement.period:%Y-%m}",
        ("allocation-rules/", "slug"): rule.slug,
        ("reconciliation/", "pk"): provider_file.pk,
        ("reconciliation/lines/", "pk"): provider_file.lines.all()[0].pk,
        ("reconciliations/", "pk"): provider_file.pk,
        ("reconciliation-lines/", "pk"): provider_file.lines.all()[0].pk,
        ("chargeback/", "team"): legal.slug,
        ("chargeback/", "month"): f"{statement.period:%Y-%m}",
        ("chargeback/budgets/", "pk"): budget.pk,
        ("chargeback/suspense/", "call"): call.pk,
        ("chargeback/suspense/", "attempt"): 1,
        ("calls/", "pk"): call.pk,
        ("legal-holds/", "pk"): make_hold(end_user="nobody").pk,
        ("erasures/", "pk"): make_erasure(call=call, now=timezone.now()).pk,
        ("keys/", "pk"): ApiKey.objects.get().pk,
        ("people/", "pk"): people.users["owner"].pk,
        ("people/", "grant"): grant.pk,
        ("grants/", "pk"): grant.pk,
        ("teams/", "slug"): legal.slug,
        ("model-cards/", "pk"): ModelCard.objects.get(slug="smollm2-135m").pk,
        ("models/cards/", "pk"): ModelCard.objects.get(slug="smollm2-135m").pk,
        ("deployments/", "slug"): "smollm2-local",
        ("models/deployments/", "slug"): "smollm2-local",
        ("prices/table/", "slug"): "smollm2-local",
        ("models/rates/", "pk"): rate.pk,
        ("rates/", "pk"): rate.pk,
        ("playbooks/", "slug"): playbook.slug,
        ("incidents/", "pk"): incident.pk,
        ("incidents/", "step"): step.pk,
        ("incidents/", "containment"): contained.pk,
        ("incidents/", "clock"): NotificationClock.objects.filter(incident=incident)[0].pk,
        ("incidents/", "action"): action.pk,
        ("compliance/", "framework"): "eu-ai-act",
        ("frameworks/", "slug"): "eu-ai-act",
        ("compliance/actions/", "pk"): gap.pk,
        ("compliance-actions/", "pk"): gap.pk,
        ("changes/training/", "code"): made.code,
        ("training/records/", "pk"): training_record.pk,
        ("training-records/", "pk"): training_record.pk,
        ("library/", "slug"): "acceptable-use",
        ("library/", "number"): 1,
        ("policy-documents/", "slug"): "acceptable-use",
        ("models/vendors/", "slug"): vendor.slug,
        ("vendors/", "slug"): vendor.slug,
        ("drift/", "pk"): monitor.pk,
        ("drift-monitors/", "pk"): monitor.pk,
        ("drift-checks/", "pk"): check.pk,
        ("reviews/items/", "pk"): ReviewItem.objects.get(call=call).pk,
        ("review-items/", "pk"): ReviewItem.objects.get(call=call).pk,
        ("reviews/decisions/", "pk"): judged.pk,
        ("review-decisions/", "pk"): judged.pk,
        ("reviews/", "slug"): Queue.objects.get().slug,
        ("queues/", "slug"): Queue.objects.get().slug,
        ("reviews/intake/", "slug"): intake_rule(now),
        **said_of(call, now),
        ("intake-rules/", "slug"): "look-at-all",
        ("reviews/calendars/", "pk"): Queue.objects.get().sla.calendar_id,
        ("review-calendars/", "pk"): Queue.objects.get().sla.calendar_id,
        ("reviews/sla/", "pk"): Queue.objects.get().sla_id,
        ("sla-policies/", "pk"): Queue.objects.get().sla_id,
        ("queues/", "number"): 1,
        ("reviews/questions/", "pk"): asked_question(here, now),
        ("review-questions/", "pk"): Question.objects.get().pk,
        **judged_twice(here, now),
        ("prompts/", "slug"): Prompt.objects.get().slug,
        ("prompts/", "number"): 1,
        ("releases/", "pk"): release.pk,
    }
    return Things(here, values | corrected(here, now) | evaluated(here, now))


def delivered(here: World, now: datetime) -> dict[tuple[str, str], Any]:
    """A standing order of the owner, and a file of it that a worker made."""
    owner = here.people.actor("owner")
    endpoint = WebhookEndpoint.objects.get(url="https://a.example/")
    schedule = create_schedule(
        actor=owner,
        team=here.people.teams["legal"],
        format="csv",
        occasion="close",
        day=None,
        time_zone="UTC",
        recipient="",
        endpoint=endpoint.pk,
        now=now,
    )
    asked = send_now(actor=owner, schedule_id=schedule.pk, now=now)
    carry_out(delivery_id=asked.pk, now=now)
    return {
        ("deliveries/", "pk"): schedule.pk,
        ("deliveries/", "delivery"): asked.pk,
        ("deliveries/files/", "pk"): asked.pk,
    }


def corrected(here: World, now: datetime) -> dict[tuple[str, str], Any]:
    """A decided item beside the one that waits, and an export of it."""
    queue = Queue.objects.get(slug="licence-answers")
    item = make_item(queue, now=now, use_case=here.use_case)
    reviewer = here.people.actor("reviewer")
    claim_item(actor=reviewer, item_id=item.pk, now=now)
    decision = decide(
        actor=reviewer, item_id=item.pk, verdict="correct", corrected_text="MIT", now=now
    )
    export = request_export(
        actor=here.people.actor("data_steward"), kind="supervised", wanted=Wanted(), now=now
    )
    return {
        ("corrections/", "pk"): decision.pk,
        ("corrections/exports/", "pk"): export.pk,
        ("correction-exports/", "pk"): export.pk,
    }


def intake_rule(now: datetime) -> str:
    """A rule that asks for what no call has."""
    looks = RuleFacts(
        name="Look at all",
        queue=Queue.objects.get(),
        effect="route",
        conditions={"findings": ["nothing"]},
    )
    actor = Actor.system("tests")
    return write_rule(actor=actor, facts=looks, reason="To see.", now=now).rule.slug


def said_of(call: Call, now: datetime) -> dict[tuple[str, str], Any]:
    """A feedback that the item is about, and a rule that takes others."""
    said = Feedback.objects.create(
        call=call,
        use_case=call.use_case,
        item=ReviewItem.objects.get(),
        thumb="down",
        given_at=now,
        keep_until=now,
    )
    facts = FeedbackFacts(name="Corrected", queue=Queue.objects.get(), with_correction=True)
    write_feedback_rule(actor=Actor.system("tests"), facts=facts, reason="To see.", now=now)
    return {
        ("feedback/", "pk"): said.pk,
        ("reviews/feedback/", "pk"): said.pk,
        ("feedback-rules/", "slug"): "corrected",
        ("reviews/feedback/rules/", "slug"): "corrected",
    }


def asked_question(here: World, now: datetime) -> int:
    """A question that was withdrawn, so that the item waits as before."""
    actor, item = here.people.actor("reviewer"), ReviewItem.objects.get()
    claim_item(actor=actor, item_id=item.pk, now=now)
    asked = ask(actor=actor, item_id=item.pk, whom="owner", text="For whom?", now=now)
    withdraw(actor=actor, question_id=asked.pk, now=now)
    return asked.pk


def evaluated(here: World, now: datetime) -> dict[tuple[str, str], Any]:
    """A suite with one case, and a run of it; its use case is suspended by now."""
    engineer, prompt = here.people.actor("prompt_engineer"), Prompt.objects.get()
    suite = create_suite(actor=engineer, prompt=prompt, name="Licences", now=now)
    case = add_case(
        actor=engineer,
        suite=suite,
        name="MIT",
        tags=["golden"],
        asked={"variables": {"licence_text": "MIT License"}, "messages": []},
        expectations=[{"scorer": "contains", "expected": "MIT"}],
        now=now,
    )
    run = EvaluationRun.objects.create(
        suite=suite,
        version=prompt.versions.get(number=1),
        deployment=Deployment.objects.get(slug="smollm2-local"),
        requester=engineer.user,
        seed=1,
        budget=Decimal(1),
        currency="USD",
        facts={"version_sha256": "", "suite_sha256": "", "seed": 1, "scorers": {}},
        created_at=now,
        next_step_at=now,
    )
    run.results.create(case=case)
    return {
        ("prompts/", "suite"): suite.pk,
        ("prompts/", "case"): case.pk,
        ("prompts/", "run"): run.pk,
    }


def asynchronous(here: World, now: datetime) -> tuple[WebhookDelivery, Batch]:
    """A webhook with a message, and a batch of the owner."""
    owner = here.people.actor("owner")
    endpoint, _ = create_endpoint(
        actor=owner, use_case=here.use_case, url="https://a.example/", events=["call.held"], now=now
    )
    batch, _ = create_batch(
        actor=owner,
        use_case=here.use_case,
        chunks=[b'{"variables": {"licence_text": "MIT"}}'],
        name="Licences",
        calls_per_minute=60,
        budget=Decimal(1),
        now=now,
    )
    return send_test(actor=owner, endpoint_id=endpoint.pk, now=now), batch


def discussed(
    here: World, change: ChangeRequest, now: datetime
) -> tuple[Comment, ChangePoint, AgendaItem]:
    """A thread on the change, a point that an earlier decision asked for, and a meeting on it."""
    people = here.people
    said = comment(actor=people.actor("owner"), change_id=change.pk, text="Ready.", now=now).comment
    decision = Decision.objects.create(
        change=change,
        revision=change.revision,
        person=people.users["compliance"],
        outcome="request_changes",
        digest_seen=change.digest,
        is_void=True,
        at=now,
    )
    point = ChangePoint.objects.create(decision=decision, position=1, text="Name the fallback.")
    meeting = plan_meeting(
        actor=people.actor("board"),
        title="AI board",
        held_on=now.date(),
        chaired_by=people.users["board"],
        change_ids=[change.pk],
        now=now,
    )
    return said, point, meeting.items.get()


def judged_twice(here: World, now: datetime) -> dict[tuple[str, str], Any]:
    """A dispute, a calibration, and an answer to it: a page each."""
    dispute, calibration, answer = make_judged(here.people.users, now)
    return {
        ("reviews/adjudications/", "pk"): dispute.pk,
        ("adjudications/", "pk"): dispute.pk,
        ("reviews/<slug:slug>/calibration/", "calibration"): calibration.pk,
        ("queues/<slug:slug>/calibrations/", "calibration"): calibration.pk,
        ("reviews/calibration/", "pk"): answer.pk,
    }


def incidents_classified(safety: Actor, incident_id: int, now: datetime) -> None:
    """Personal data was concerned: the clock of the GDPR runs."""
    classify(
        actor=safety,
        incident_id=incident_id,
        severity="high",
        facts=list(FACTS)[:1],
        reason="Names were in it.",
        now=now,
    )
