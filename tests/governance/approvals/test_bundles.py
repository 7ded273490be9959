"""Several changes that are decided as one, and applied all or none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services
from governance.approvals.bundling import can_be_bundled
from governance.approvals.deciding import NewCondition
from governance.approvals.emergencies import ask_emergency
from governance.approvals.models import Approval, ApprovalPolicy, Bundle, ChangeRequest
from governance.approvals.registries import PartRefused
from governance.audit.models import AuditEvent
from governance.compliance.evidence import independent_decisions
from governance.home.models import Notification
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from telemetry.chargeback.models import Budget
from tests.factories.approvals import (
    Board,
    ask_two_board_members,
    decide,
    make_board,
    make_change,
)
from tests.factories.bundles import bundle_up, make_limit_change, make_stage_and_limit
from tests.factories.chargeback import limit_to
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    return make_board()


def parts_of(whole: ChangeRequest) -> list[ChangeRequest]:
    return list(ChangeRequest.objects.filter(pk__in=whole.proposal["parts"]).order_by("pk"))


def stage_of(change: ChangeRequest) -> str:
    return UseCase.objects.get(pk=change.subject_id).stage


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_one_decision_of_each_signs_all_and_applies_all(board: Board) -> None:
    whole, budget = make_stage_and_limit(board)
    stage, limit = parts_of(whole)
    assert {one.state for one in (stage, limit)} == {"bundled"}
    assert sorted(whole.slots.values_list("permission", flat=True)) == ["sign_board", "sign_budget"]
    assert decide(board, "board", whole).state == "open"
    assert stage_of(stage) == "proposed"
    assert decide(board, "finance", whole).state == "applied"
    budget.refresh_from_db()
    assert (stage_of(stage), budget.limit) == ("assessed", Decimal(120))
    for part in parts_of(whole):
        approval = Approval.objects.get(kind=part.kind, subject_id=part.subject_id)
        assert (approval.state, approval.change) == ("in_force", part)
        # Exactly what was on the page of the bundle, and what it would have been alone.
        assert approval.digest == part.digest
        assert whole.snapshot["parts"][str(part.pk)] == part.snapshot
        assert part.state == "applied" and part.closed_at is not None
        held = timedelta(days=part.policy.validity_days)
        assert approval.valid_until - approval.valid_from == held
    assert not Approval.objects.filter(change=whole).exists()
    fact = independent_decisions(timezone.now(), None)
    # The fourth is that of the budget itself, which nobody signed in this test.
    assert "3 of 4" in fact.sentence


def test_it_is_opened_under_the_strictest_of_all(board: Board) -> None:
    ask_two_board_members()
    board.people["board 2"] = make_person("board")
    stage = make_change(board, tier="minimal")
    _, limit = make_limit_change(board, "900")
    assert (stage.tier, limit.tier) == ("minimal", "limited")
    whole = bundle_up(board, stage, limit)
    asked = {one["permission"]: one["count"] for one in whole.policy.sign_offs}
    assert asked == {"sign_board": 2, "sign_budget": 1}
    assert (whole.tier, whole.team) == ("limited", board.team)
    assert (whole.policy.decision_hours, whole.policy.validity_days) == (40, 365)
    assert not whole.policy.active
    assert set(whole.conflicted) == set(stage.conflicted) | set(limit.conflicted)
    services.withdraw(
        actor=board.actor("owner"), change_id=whole.pk, reason="", now=whole.opened_at
    )
    again = bundle_up(board, stage, limit)
    assert again.policy == whole.policy
    assert ApprovalPolicy.objects.filter(kind="bundle").count() == 1


def test_parts_of_several_teams_are_nobodys_own(board: Board) -> None:
    first = make_change(board)
    other = Board(make_team(), board.people)
    board.people["owner"].grants.create(
        role="owner",
        scope_type=board.people["owner"].grants.get().scope_type,
        scope_id=other.team.pk,
        starts_at=timezone.now() - timedelta(days=1),
        granted_by_label="test",
    )
    second = make_change(other)
    assert bundle_up(board, first, second).team is None


def test_a_part_that_cannot_be_applied_keeps_all_from_it(board: Board) -> None:
    stage, (budget, limit) = make_change(board), make_limit_change(board, "50")
    whole = bundle_up(board, stage, limit)
    decide(board, "board", whole)
    # Spent meanwhile; nothing that was decided on has changed by it.
    Budget.objects.filter(pk=budget.pk).update(captured=Decimal(60))
    with pytest.raises(PartRefused, match="part 2, “Budget of"):
        decide(board, "finance", whole)
    whole.refresh_from_db()
    budget.refresh_from_db()
    assert (whole.state, stage_of(stage), budget.limit) == ("open", "proposed", Decimal(100))
    assert {one.state for one in parts_of(whole)} == {"bundled"}
    assert not Approval.objects.exists() and whole.decisions.count() == 1
    shown = signed_in(board.people["owner"]).get(f"/changes/{whole.pk}/").content.decode()
    assert "Nothing was applied" in shown and "part 2" in shown
    event = AuditEvent.objects.get(action="bundle.not_applied")
    assert "not below what is spent" in event.reason
    assert Notification.objects.filter(title__startswith="Could not be applied").count() == 1
    Budget.objects.filter(pk=budget.pk).update(captured=Decimal(40))
    assert decide(board, "finance", whole).state == "applied"
    assert stage_of(stage) == "assessed"


def test_a_part_that_moved_makes_all_stale_and_a_revision_decides_anew(board: Board) -> None:
    whole, _ = make_stage_and_limit(board)
    stage, _limit = parts_of(whole)
    decide(board, "board", whole)
    UseCase.objects.filter(pk=stage.subject_id).update(outcome="Another.")
    with pytest.raises(Conflict):
        decide(board, "finance", whole)
    whole.refresh_from_db()
    assert whole.state == "stale"
    owner, now = board.actor("owner"), timezone.now()
    services.revise(actor=owner, change_id=whole.pk, reason="As it is now.", now=now)
    whole.refresh_from_db()
    decide(board, "finance", whole)
    assert decide(board, "board", whole).state == "applied"
    stage.refresh_from_db()
    approval = Approval.objects.get(change=stage)
    assert stage.snapshot["outcome"] == "Another." and approval.digest == stage.digest


def test_housekeeping_marks_it_stale(board: Board) -> None:
    whole, budget = make_stage_and_limit(board)
    limit_to(budget, "101")
    services.keep_house(now=timezone.now())
    whole.refresh_from_db()
    assert whole.state == "stale"


def test_taken_apart_its_parts_are_open_again(board: Board) -> None:
    whole, _ = make_stage_and_limit(board)
    before = parts_of(whole)[0].due_at
    later = whole.opened_at + timedelta(days=2)
    owner = board.actor("owner")
    services.withdraw(actor=owner, change_id=whole.pk, reason="Not together.", now=later)
    stage, limit = parts_of(whole)
    assert {one.state for one in (stage, limit)} == {"open"} and stage.bundle is None
    assert stage.due_at == before + timedelta(days=2)
    assert decide(board, "board", stage).state == "applied"
    assert decide(board, "finance", limit).state == "applied"


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_its_parts_end_with_it(board: Board, end: str) -> None:
    whole, _ = make_stage_and_limit(board)
    if end == "rejected":
        decide(board, "board", whole, outcome="reject")
    else:
        services.keep_house(now=whole.expires_at)
    whole.refresh_from_db()
    states = {one.state for one in (whole, *parts_of(whole))}
    assert states == {end}
    limit = parts_of(whole)[1]
    again = services.open_change(
        actor=board.actor("owner"),
        kind=limit.kind,
        subject_id=limit.subject_id,
        proposal=limit.proposal,
        title=limit.title,
        reason="Alone.",
        now=timezone.now(),
    )
    assert again.state == "open"


def test_nobody_acts_on_a_part_alone(board: Board) -> None:
    whole, _ = make_stage_and_limit(board)
    stage, _limit = parts_of(whole)
    owner, now = board.actor("owner"), timezone.now()
    with pytest.raises(WrongState):
        decide(board, "board", stage)
    for act in (services.revise, services.withdraw):
        with pytest.raises(WrongState):
            act(actor=owner, change_id=stage.pk, reason="x", now=now)
    with pytest.raises(WrongState):
        ask_emergency(actor=owner, change_id=stage.pk, why_now="x", now=now)
    with pytest.raises(WrongState, match="cannot be taken back"):
        ask_emergency(actor=owner, change_id=whole.pk, why_now="x", now=now)
    with pytest.raises(WrongState, match="still undecided"):
        services.open_change(
            actor=owner,
            kind=stage.kind,
            subject_id=stage.subject_id,
            proposal=stage.proposal,
            title="x",
            reason="x",
            now=now,
        )
    waiting = ChangeRequest.objects.waiting_for(User.objects.get(pk=board.people["board"].pk))
    assert list(waiting) == [whole]


def test_a_bundled_request_has_its_bundle_says_the_database(board: Board) -> None:
    change = make_change(board)
    with pytest.raises(IntegrityError), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(state="bundled")


def test_what_cannot_be_bundled(board: Board) -> None:
    stage, (_, limit) = make_change(board), make_limit_change(board)
    decided = make_change(board, tier="limited")
    decide(board, "board", decided)
    whole = bundle_up(board, stage, limit)
    free = make_change(board)
    for parts in ([free], [free, free], [free, stage], [free, decided], [free, whole]):
        with pytest.raises(Invalid):
            bundle_up(board, *parts)
    with pytest.raises(Invalid) as refused:
        bundle_up(board, free, title=" ")
    assert set(refused.value.fields) == {"changes", "title"}
    other = make_change(board)
    with pytest.raises(Invalid):
        bundle_up(board, free, other, reason=" ")
    board.people["owner"], owner = board.people["board"], board.people["owner"]
    with pytest.raises(Invalid, match="your own"):
        bundle_up(board, free, other)
    assert set(can_be_bundled(owner)) == {free, other}
    assert Bundle.objects.count() == 1
    assert {one.state for one in ChangeRequest.objects.filter(pk__in=[free.pk, other.pk])} == {
        "open"
    }


def test_a_condition_of_it_binds_every_part(board: Board) -> None:
    whole, _ = make_stage_and_limit(board)
    due = timezone.now().date() + timedelta(days=1)
    condition = NewCondition("Train them.", board.people["owner"], due)
    facts = {"outcome": "approve_with_conditions", "conditions": [condition]}
    decide(board, "board", whole, **facts)
    decide(board, "finance", whole)
    services.keep_house(now=timezone.now() + timedelta(days=3))
    approvals = Approval.objects.filter(change__in=parts_of(whole))
    assert {one.state for one in approvals} == {"suspended"}
    for one in approvals:
        with pytest.raises((WrongState, NotAllowed)):
            services.end_approval(
                actor=board.actor("board"),
                approval_id=one.pk,
                action="resume",
                reason="x",
                now=timezone.now() + timedelta(days=3),
            )


def test_who_signs_it_sees_its_parts_and_strangers_do_not(board: Board) -> None:
    whole, _ = make_stage_and_limit(board)
    stage, limit = parts_of(whole)
    for name in ("board", "finance"):
        client = signed_in(board.people[name])
        for one in (whole, stage, limit):
            assert client.get(f"/changes/{one.pk}/").status_code == 200
    stranger = signed_in(make_person("owner", make_team()))
    assert stranger.get(f"/changes/{stage.pk}/").status_code == 404


def test_the_pages_make_it_show_it_and_take_it_apart(board: Board) -> None:
    stage, (_, limit) = make_change(board), make_limit_change(board)
    client = signed_in(board.people["owner"])
    assert "/changes/bundle/" in client.get("/changes/").content.decode()
    assert stage.title in client.get("/changes/bundle/").content.decode()
    typed = {"changes": [stage.pk], "title": "Both", "reason": "Together."}
    refused = client.post("/changes/bundle/", typed)
    assert refused.status_code == 422 and "Together." in refused.content.decode()
    typed["changes"] = [stage.pk, limit.pk]
    made = client.post("/changes/bundle/", typed)
    whole = ChangeRequest.objects.get(kind="bundle")
    assert made["Location"] == f"/changes/{whole.pk}/"
    shown = client.get(f"/changes/{whole.pk}/").content.decode()
    for words in (stage.title, limit.title, "2. Limit", "Take the bundle apart", "<ins>120"):
        assert words in shown, words
    part = client.get(f"/changes/{limit.pk}/").content.decode()
    assert f'/changes/{whole.pk}/">Both</a>' in part and "decided on as part of" in part
    client.post(f"/changes/{whole.pk}/withdraw/", {"withdraw_reason": "No."})
    limit.refresh_from_db()
    assert limit.state == "open"
    nothing = signed_in(board.people["finance"]).get("/changes/bundle/").content.decode()
    assert "at least two open requests" in nothing


def test_the_page_says_why_it_cannot_be_opened(board: Board) -> None:
    """Each part could be signed alone; together they need two of whom there is one."""
    stage, (_, limit) = make_change(board), make_limit_change(board)
    ask_two_board_members()
    client = signed_in(board.people["owner"])
    typed = {"changes": [stage.pk, limit.pk], "title": "Both", "reason": "Together."}
    refused = client.post("/changes/bundle/", typed)
    assert refused.status_code == 422
    assert "nobody without a conflict could sign" in refused.content.decode()
    assert not Bundle.objects.exists()


def test_the_api_makes_it_in_the_given_order(board: Board) -> None:
    stage, (_, limit) = make_change(board), make_limit_change(board)
    client = signed_in(board.people["owner"])
    asked = {"changes": [limit.pk, stage.pk], "title": "Both", "reason": "Together."}
    made = client.post("/api/v1/bundles/", asked, JSON)
    assert made.status_code == 201
    assert made.json()["snapshot"]["order"] == [limit.pk, stage.pk]
    url = f"/api/v1/change-requests/{stage.pk}/"
    assert client.get(url).json()["bundled_in"] == made.json()["id"]
    whole = f"/api/v1/change-requests/{made.json()['id']}/"
    assert client.get(whole).json()["bundled_in"] is None
    assert client.post(f"{whole}withdraw/", {}, JSON).json()["state"] == "withdrawn"
    assert client.get(url).json()["state"] == "open"
    one = asked | {"changes": [stage.pk]}
    assert client.post("/api/v1/bundles/", one, JSON).status_code == 400


def test_the_list_asks_the_same_number_of_times(board: Board) -> None:
    client = signed_in(board.people["board"])
    counted = []
    for _ in range(2):
        bundle_up(board, make_change(board), make_change(board))
        with CaptureQueriesContext(connection) as queries:
            client.get("/changes/?show=all")
        counted.append(len(queries))
    assert counted[0] == counted[1]
