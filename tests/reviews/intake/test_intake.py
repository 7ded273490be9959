"""Intake rules: which takes a call, what is drawn, exactly once, and how that is proven."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db.utils import IntegrityError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid
from governance.registry.models import UseCase
from reviews.decisions.services import decide
from reviews.intake.models import Intake, IntakeRuleVersion, IntakeScan
from reviews.intake.routing import why_held
from reviews.intake.rules import CallFacts, Conditions, Effect, Rule, point_of, taking
from reviews.intake.sampling import prove, take_samples
from reviews.intake.selectors import rules_in_force
from reviews.intake.services import RuleFacts, end_rule, write_rule
from reviews.queues.models import ReviewItem
from reviews.queues.services import claim_item
from telemetry.alerts.models import Alert
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call
from tests.factories.ledger import (
    body,
    make_call,
    make_deployment,
    make_person,
    make_use_case,
)
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

SYSTEM = Actor.system("tests")
NAMES = st.sampled_from(["a", "b", "c"])


def facts(call: UUID, **changes: Any) -> CallFacts:
    stands: dict[str, Any] = {
        "use_case": "a",
        "tier": "limited",
        "sensitivity": "internal",
        "mode": "sync",
    }
    return CallFacts(call, **(stands | changes))


def rule(slug: str = "r", **changes: Any) -> Rule:
    stands: dict[str, Any] = {
        "number": 1,
        "position": 50,
        "conditions": Conditions(),
        "effect": Effect.AFTER,
        "share": Decimal(100),
        "queue": 1,
    }
    return Rule(slug, **(stands | changes))


@given(st.uuids(), NAMES, st.decimals(0, 100, places=3), st.decimals(0, 100, places=3))
def test_a_larger_share_draws_whatever_a_smaller_one_did(
    call: UUID, slug: str, one: Decimal, other: Decimal
) -> None:
    small, large = sorted((one, other))
    assert 0 <= point_of(call, slug) < 1
    if rule(slug, share=small).draws(call):
        assert rule(slug, share=large).draws(call)
    assert rule(slug, share=Decimal(100)).draws(call)
    assert not rule(slug, share=Decimal(0)).draws(call)


def test_the_draw_is_the_published_one() -> None:
    # printf '00000000-0000-0000-0000-000000000001:r@1' | sha256sum, the first 16 digits.
    assert point_of(UUID(int=1), "r@1") == Decimal(0x37452930DEE35A83) / 2**64


def test_a_share_draws_about_that_many() -> None:
    drawn = sum(rule(share=Decimal(10)).draws(UUID(int=n)) for n in range(10_000))
    assert 900 < drawn < 1100


@pytest.mark.parametrize(
    ("conditions", "misses"),
    [
        (Conditions(), []),
        (Conditions(use_cases=("a", "b")), []),
        (Conditions(use_cases=("b",), tiers=("high",)), ["use_cases", "tiers"]),
        (Conditions(sensitivities=("secret",)), ["sensitivities"]),
        (Conditions(modes=("async",)), ["modes"]),
        (Conditions(findings=("personal_data",)), ["findings"]),
        (Conditions(confidence_below=Decimal("0.5")), []),
    ],
)
def test_all_conditions_must_hold(conditions: Conditions, misses: list[str]) -> None:
    assert conditions.misses(facts(UUID(int=1))) == misses


def test_findings_and_confidence() -> None:
    call = facts(
        UUID(int=1), findings=(("personal_data", ""), ("word", "names")), confidence=Decimal("0.5")
    )
    assert not Conditions(findings=("personal_data", "x"), finding_rules=("names",)).misses(call)
    assert Conditions(finding_rules=("others",)).misses(call) == ["finding_rules"]
    assert Conditions(confidence_below=Decimal("0.5")).misses(call) == ["confidence_below"]
    assert not Conditions(confidence_below=Decimal("0.51")).misses(call)


def test_the_first_that_takes_it_has_it() -> None:
    first = rule("z", position=1, conditions=Conditions(use_cases=("b",)))
    second, third = rule("b", position=2), rule("a", position=2, effect=Effect.HOLD)
    call = facts(UUID(int=1))
    assert taking([second, first, third], call, Effect.AFTER) == second
    assert taking([second, first, third], call, Effect.AFTER, Effect.HOLD) == third
    assert taking([first], call, Effect.AFTER) is None


class Work:
    """A use case whose answers leave, a queue, and calls that were delivered."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self.queue = make_queue()
        self.use_case: UseCase = make_use_case()
        IntakeScan.objects.create(pk=1, scanned_until=self.now - timedelta(hours=2))

    def write(self, *, at: datetime | None = None, **changes: Any) -> IntakeRuleVersion:
        slug = changes.pop("slug", "")
        stands: dict[str, Any] = {"name": "A tenth", "queue": self.queue, "effect": "after"}
        return write_rule(
            actor=SYSTEM,
            facts=RuleFacts(**(stands | changes)),
            reason="To see.",
            slug=slug,
            now=at or self.now - timedelta(hours=2),
        )

    def delivered(self, count: int, *, at: datetime | None = None) -> list[Call]:
        at = at or self.now - timedelta(hours=1)
        deployment = make_deployment()
        calls = []
        for _ in range(count):
            call = make_call(self.use_case, now=at, request=body("[]", at))
            call = ledger.start_call(call=call, now=at, deployment=deployment)
            calls.append(
                ledger.settle_call(
                    call=call, outcome="deliver", now=at, response=body("It is so.", at)
                )
            )
        return calls

    def prove(self) -> Any:
        return prove(starts_at=self.now - timedelta(days=1), ends_at=self.now)


@pytest.fixture
def work(db: None) -> Iterator[Work]:
    yield Work()


def test_exactly_the_drawn_are_taken_once_and_that_is_proven(work: Work) -> None:
    version = work.write(share=Decimal(40))
    calls = work.delivered(12)
    drawn = {one.pk for one in calls if version.as_rule().draws(one.pk)}
    assert take_samples(now=work.now) == len(drawn)
    assert {one.item.call_id for one in Intake.objects.select_related("item")} == drawn
    IntakeScan.objects.update(scanned_until=work.now - timedelta(hours=2))
    assert take_samples(now=work.now) == 0
    proof = work.prove()
    assert (proof.holds, proof.derived, proof.looked_at) == (True, len(drawn), 12)
    day = work.now.date()
    period = ("--from", str(day - timedelta(days=1)), "--to", str(day + timedelta(days=1)))
    out = StringIO()
    call_command("verify_sampling", *period, stdout=out)
    assert "exactly these were taken" in out.getvalue()


def test_the_proof_names_what_was_not_taken_and_what_should_not_be(work: Work) -> None:
    work.write()
    calls = work.delivered(3)
    take_samples(now=work.now)
    late = work.delivered(1)[0]
    proof = work.prove()
    assert (proof.holds, proof.missing, proof.surplus) == (False, (late.pk,), ())
    stray = Intake.objects.get(item__call=calls[0])
    Call.objects.filter(pk=calls[0].pk).update(state="failed")
    assert work.prove().surplus == (stray.item.call_id,)
    with pytest.raises(CommandError):
        call_command(
            "verify_sampling",
            "--from",
            str(work.now.date() - timedelta(days=1)),
            "--to",
            str(work.now.date() + timedelta(days=1)),
            stdout=StringIO(),
        )


def test_a_version_holds_from_its_time_to_the_next(work: Work) -> None:
    work.write(share=Decimal(100))
    before = work.delivered(2, at=work.now - timedelta(minutes=90))
    end_rule(actor=SYSTEM, slug="a-tenth", reason="Enough.", now=work.now - timedelta(minutes=60))
    work.delivered(2, at=work.now - timedelta(minutes=30))
    assert take_samples(now=work.now) == 2
    assert {one.call_id for one in ReviewItem.objects.all()} == {one.pk for one in before}
    assert work.prove().holds


def test_the_scan_waits_for_calls_that_still_run(work: Work) -> None:
    work.write()
    running = make_call(work.use_case, now=work.now - timedelta(minutes=50))
    work.delivered(1, at=work.now - timedelta(minutes=40))
    early = work.delivered(1, at=work.now - timedelta(minutes=55))
    assert take_samples(now=work.now) == 1
    assert ReviewItem.objects.get().call == early[0]
    assert IntakeScan.objects.get().scanned_until == running.admitted_at


def test_a_judgement_after_delivery_changes_nothing_of_the_call(work: Work) -> None:
    work.write()
    calls = work.delivered(3)
    take_samples(now=work.now)
    person = make_member(work.queue)
    actor = Actor.person(person)
    verdicts: list[dict[str, Any]] = [
        {"verdict": "approve"},
        {"verdict": "correct", "corrected_text": "It is not so."},
        {"verdict": "reject", "rationale": "Wrong."},
    ]
    for call, verdict in zip(calls, verdicts, strict=True):
        item = ReviewItem.objects.get(call=call)
        assert item.is_after_delivery
        claim_item(actor=actor, item_id=item.pk, now=work.now)
        made = decide(actor=actor, item_id=item.pk, now=work.now, **verdict)
        call.refresh_from_db()
        assert (call.state, call.decided_at, made.verdict) == (
            "delivered",
            None,
            verdict["verdict"],
        )
    assert Alert.objects.get().cause == f"review-after-delivery:{work.use_case.slug}"


def test_a_held_answer_goes_where_a_rule_says_else_to_its_own_queue(work: Work) -> None:
    special = make_queue("special")
    elsewhere = make_queue("elsewhere", use_cases=[work.use_case])
    work.write(
        name="Special",
        effect="route",
        queue=special,
        priority=7,
        conditions={"use_cases": [work.use_case.slug]},
    )
    item = make_item(elsewhere, use_case=work.use_case)
    assert (item.queue, item.priority) == (special, 7)
    assert item.intake.version.rule.slug == "special"
    end_rule(actor=SYSTEM, slug="special", reason="Over.", now=work.now)
    last = make_item(elsewhere, use_case=work.use_case)
    assert last.queue == elsewhere


def test_a_rule_holds_what_would_leave(work: Work) -> None:
    work.write(name="Look first", effect="hold", conditions={"modes": ["async"]})
    call = UUID(int=5)
    assert why_held(rules_in_force(), facts(call)) == ""
    assert "look-first" in why_held(rules_in_force(), facts(call, mode="async"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "Verify"}, "name"),
        ({"effect": "release"}, "effect"),
        ({"share": Decimal(0)}, "share"),
        ({"share": Decimal(101)}, "share"),
        ({"priority": 101}, "priority"),
        ({"conditions": {"use_cases": ["nowhere"]}}, "use_cases"),
        ({"conditions": {"modes": ["post"]}}, "modes"),
        ({"conditions": {"tiers": ["high"]}}, "tiers"),
        ({"conditions": {"confidence_below": "NaN"}}, "confidence_below"),
        ({"conditions": {"mood": ["good"]}}, "conditions"),
    ],
)
def test_what_does_not_fit(work: Work, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        work.write(**change)
    assert list(refused.value.fields) == [field]


def test_versions_stand_and_a_late_save_is_told(work: Work) -> None:
    work.write()
    second = work.write(slug="a-tenth", share=Decimal(20))
    assert second.number == 2
    event = AuditEvent.objects.get(action="intake.changed")
    assert (event.before["share"], event.after["share"]) == ("100.000", "20.000")
    with pytest.raises(Conflict):
        write_rule(
            actor=SYSTEM,
            facts=RuleFacts(name="A tenth", queue=work.queue, effect="after"),
            reason="Late.",
            slug="a-tenth",
            seen=1,
            now=work.now,
        )
    with pytest.raises(IntegrityError, match="written once"):
        IntakeRuleVersion.objects.update(share=1)


def test_by_page_and_api(work: Work) -> None:
    client = signed_in(make_person("safety"))
    sent = {
        "name": "Async",
        "modes": ["sync", "async"],
        "effect": "after",
        "queue": work.queue.pk,
        "share": "50",
        "priority": "0",
        "position": "10",
        "reason": "To see.",
    }
    work.delivered(2)
    tried = client.post("/reviews/intake/new/", sent | {"action": "try", "reason": ""})
    assert (tried.status_code, IntakeRuleVersion.objects.count()) == (200, 0)
    assert "of the latest 2 calls 2 match" in tried.content.decode()
    refused = client.post("/reviews/intake/new/", sent | {"share": "0"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["share"])
    assert client.post("/reviews/intake/new/", sent).status_code == 302
    for path in ("/reviews/intake/", "/reviews/intake/async/", "/reviews/intake/verify/"):
        assert client.get(path).status_code == 200
    changed = client.post("/reviews/intake/async/", sent | {"seen": "1", "share": "25"})
    assert changed.status_code == 302
    day = work.now.date().isoformat()
    last = client.get(f"/reviews/intake/verify/?first={day}&last=9999-12-31")
    assert (last.status_code, b"no day after this one" in last.content) == (422, True)
    last = client.get(f"/api/v1/intake-rules/verify/?first={day}&last=9999-12-31")
    assert (last.status_code, list(last.json()["errors"])) == (400, ["last"])
    shown = client.get(f"/reviews/intake/verify/?first={day}&last={day}").content.decode()
    assert "exactly these were taken" in shown
    api = "/api/v1/intake-rules/"
    assert client.get(api).json()["results"][0]["share"] == "25.000"
    given = {"name": "Held", "queue": "answers", "effect": "hold", "reason": "Now."}
    assert client.post(api, given, "application/json").status_code == 201
    body = given | {"conditions": {"findings": ["secret"]}}
    assert client.put(f"{api}held/", body, "application/json").json()["number"] == 2
    assert client.post(f"{api}try/", body, "application/json").json()["matched"] == 0
    assert client.delete(f"{api}held/?reason=Over").json()["is_active"] is False
    proof = client.get(f"{api}verify/?first={day}&last={day}").json()
    assert proof["holds"] is True
    lead = signed_in(make_member(work.queue, "review_lead"))
    assert lead.post("/reviews/intake/new/", sent | {"name": "Mine"}).status_code == 403
    assert lead.get("/reviews/intake/").status_code == 200


@pytest.mark.django_db
def test_where_no_rule_was_ever_written_nothing_is_sampled_and_that_is_proved() -> None:
    make_item(make_queue())
    now = timezone.now()
    take_samples(now=now)
    assert not IntakeRuleVersion.objects.exists() and not Intake.objects.exists()
    assert prove(starts_at=now - timedelta(days=400), ends_at=now).holds
