"""Who signs what is itself signed: proposed, guarded, applied as the next version."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Grant, User
from governance.approvals import services
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.policies import (
    DECISION_HOURS,
    STARTING_POLICIES,
    VALIDITY_DAYS,
    read_content,
)
from governance.approvals.registries import change_subjects
from governance.approvals.subjects import content_of, propose_policy
from governance.audit.models import AuditEvent
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from tests.factories.approvals import Board, decide, make_board, make_change
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
JSON = "application/json"
TWO: dict[str, Any] = {
    "sign_offs": [
        {"permission": "sign_board", "count": 1},
        {"permission": "sign_safety", "count": 1},
    ],
    "decision_hours": 16,
    "validity_days": 90,
}
PATH = "/changes/policies/use_case_stage/minimal/"


@pytest.fixture
def board() -> Board:
    return make_board()


def propose(board: Board, role: str = "administrator", **facts: Any) -> ChangeRequest:
    more: dict[str, Any] = {
        "kind": "use_case_stage",
        "tier": "minimal",
        "proposal": TWO,
        "reason": "Safety should see them all.",
        "now": timezone.now(),
    }
    return propose_policy(actor=board.actor(role), **(more | facts))


def applied(board: Board, **facts: Any) -> ChangeRequest:
    change = propose(board, **facts)
    decide(board, "board", change)
    return decide(board, "compliance", change)


def active(kind: str = "use_case_stage", tier: str = "minimal") -> ApprovalPolicy:
    return ApprovalPolicy.objects.get(kind=kind, tier=tier, active=True)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def sign_offs(**counts: int) -> dict[str, Any]:
    rows = [{"permission": f"sign_{name}", "count": count} for name, count in counts.items()]
    return TWO | {"sign_offs": rows}


def test_a_granted_change_makes_the_next_version_and_open_requests_keep_theirs(
    board: Board,
) -> None:
    before, waiting = active(), make_change(board)
    change = applied(board)
    after = active()
    assert change.state == "applied"
    assert (after.version, after.change, after.decision_hours) == (2, change, 16)
    assert after.sign_offs == TWO["sign_offs"]
    before.refresh_from_db()
    waiting.refresh_from_db()
    assert not before.active and waiting.policy == before
    assert decide(board, "board", waiting).state == "applied"
    assert make_change(board).slots.count() == 2
    event = AuditEvent.objects.get(action="policy.replaced")
    assert event.after is not None and event.before is not None
    assert (event.before["decision_hours"], event.after["decision_hours"]) == (40, 16)


def test_the_approval_of_the_version_before_is_superseded(board: Board) -> None:
    applied(board)
    applied(board, proposal=TWO | {"validity_days": 80})
    states = Approval.objects.filter(kind="approval_policy").order_by("pk")
    assert list(states.values_list("state", flat=True)) == ["superseded", "in_force"]
    assert active().version == 3


def test_the_proposer_does_not_sign(board: Board) -> None:
    board.people["second"] = make_person("board")
    change = propose(board, "board")
    with pytest.raises(NotAllowed):
        decide(board, "board", change)
    decide(board, "second", change)
    assert decide(board, "compliance", change).state == "applied"


@pytest.mark.parametrize("role", ["owner", "safety", "finance"])
def test_others_do_not_propose(board: Board, role: str) -> None:
    with pytest.raises(NotAllowed):
        propose(board, role)


def test_a_policy_nobody_could_meet_is_refused_with_who_is_missing(board: Board) -> None:
    with pytest.raises(Invalid, match=r"sign as Board member \(1 of 2\), Data steward") as refused:
        propose(board, proposal=sign_offs(board=2, data=1))
    assert set(refused.value.fields) == {"sign_board", "sign_data"}
    assert not ChangeRequest.objects.exists()


def test_the_policy_of_policies_leaves_somebody_to_propose(board: Board) -> None:
    facts = {"kind": "approval_policy", "proposal": sign_offs(board=1)}
    assert applied(board, **facts).state == "applied"
    for_all = sign_offs(board=1, compliance=1, safety=1)
    assert propose(board, kind="approval_policy", tier="high", proposal=for_all).state == "open"
    Grant.objects.filter(user=board.people["administrator"]).update(revoked_at=timezone.now())
    with pytest.raises(Invalid, match="could never be met"):
        propose(board, "compliance", **(facts | {"proposal": sign_offs(board=1, compliance=1)}))


def test_who_left_since_it_was_opened_is_missed_when_it_would_apply(board: Board) -> None:
    change = propose(board)
    decide(board, "board", change)
    Grant.objects.filter(user=board.people["safety"]).update(revoked_at=timezone.now())
    with pytest.raises(Invalid, match="Safety officer"):
        decide(board, "compliance", change)
    change.refresh_from_db()
    assert (change.state, active().version) == ("open", 1)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"sign_offs": []}, "sign_offs"),
        ({"sign_offs": "board"}, "sign_offs"),
        ({"sign_offs": [7]}, "sign_offs"),
        ({"sign_offs": [{"permission": "people_manage", "count": 1}]}, "sign_offs"),
        ({"sign_offs": [{"permission": "sign_board", "count": 1}] * 2}, "sign_offs"),
        ({"sign_offs": [{"permission": "sign_board", "count": 0}]}, "sign_offs"),
        ({"sign_offs": [{"permission": "sign_board", "count": True}]}, "sign_board"),
        ({"sign_offs": [{"permission": "sign_board", "count": 6}]}, "sign_board"),
        ({"decision_hours": 7}, "decision_hours"),
        ({"decision_hours": 321}, "decision_hours"),
        ({"validity_days": 0}, "validity_days"),
        ({"validity_days": "90"}, "validity_days"),
    ],
)
def test_what_a_policy_may_not_say(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_content(TWO | given)
    assert field in refused.value.fields


def test_every_policy_may_be_due_before_its_request_runs_out() -> None:
    now = timezone.now()
    longest = services.business_hours_after(now, 320)
    assert longest < now + services.EXPIRES_AFTER


def test_the_same_again_and_an_unknown_policy_are_refused(board: Board) -> None:
    same = sign_offs(board=1) | {"decision_hours": 40, "validity_days": 730}
    with pytest.raises(Invalid, match="differs from the one in force"):
        propose(board, proposal=same)
    with pytest.raises(NotFound):
        propose(board, tier="unacceptable")


def test_one_undecided_change_of_a_policy_and_none_of_a_replaced_version(board: Board) -> None:
    first, old = propose(board), active()
    with pytest.raises(WrongState):
        propose(board)
    decide(board, "board", first)
    decide(board, "compliance", first)
    with pytest.raises(Invalid, match="has been replaced"):
        services.open_change(
            actor=board.actor("administrator"),
            kind="approval_policy",
            subject_id=old.pk,
            proposal=TWO,
            title="Late",
            reason="Late",
            now=timezone.now(),
        )


def test_the_database_keeps_one_active_and_each_version_once(board: Board) -> None:
    row = active()
    row.pk, row.active = None, False
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("facts", [{"decision_hours": 320}, {"sign_offs": []}, {"active": True}])
def test_the_database_changes_no_version_and_brings_none_back(
    board: Board, facts: dict[str, Any]
) -> None:
    applied(board)
    replaced = ApprovalPolicy.objects.filter(kind="use_case_stage", tier="minimal", version=1)
    ApprovalPolicy.objects.filter(pk=active().pk).update(active=False)
    with pytest.raises(IntegrityError, match="make the next version"), transaction.atomic():
        replaced.update(**facts)


def test_an_ended_approval_leaves_the_policy_so_that_it_can_be_changed(board: Board) -> None:
    change = applied(board)
    services.end_approval(
        actor=board.actor("board"),
        approval_id=change.approval.pk,
        action="revoke",
        reason="Too slow.",
        now=timezone.now(),
    )
    assert active().version == 2


@pytest.mark.django_db(transaction=True)
def test_two_policies_of_one_kind_decided_at_once_each_get_one_next_version() -> None:
    board = make_board()
    board.people["second"] = make_person("compliance")
    changes = [propose(board), propose(board, tier="limited")]
    for change in changes:
        decide(board, "board", change)
    barrier, failures = threading.Barrier(4), []

    def run(role: str, change: ChangeRequest) -> None:
        barrier.wait()
        try:
            decide(board, role, change)
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            failures.append(error)
        finally:
            connection.close()

    # Two people want the last slot of each: one signs, the other comes too late.
    asked = [(role, change) for role in ("compliance", "second") for change in changes]
    threads = [threading.Thread(target=run, args=one) for one in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(one) for one in failures] == [WrongState, WrongState]
    for tier in ("minimal", "limited"):
        assert active(tier=tier).version == 2
        assert ApprovalPolicy.objects.versions_of("use_case_stage", tier).count() == 2


def fields(**facts: Any) -> dict[str, Any]:
    given = {"sign_board": "1", "sign_safety": "1", "decision_hours": "16", "validity_days": "90"}
    return given | {"reason": "Safety should see them."} | facts


def test_the_page_proposes_shows_the_diff_and_the_history(board: Board) -> None:
    client = signed_in(board.people["administrator"])
    shown = client.get(PATH).content.decode()
    assert "Propose the next version" in shown and "1 × Board member" in shown
    sent = client.post(PATH, fields())
    change = ChangeRequest.objects.get()
    assert sent.headers["Location"] == f"/changes/{change.pk}/"
    detail = client.get(sent.headers["Location"]).content.decode()
    assert "<del>40</del><ins>16</ins>" in detail and "sign offs › sign safety" in detail
    assert "Another version is proposed" in client.get(PATH).content.decode()
    decide(board, "board", change)
    decide(board, "compliance", change)
    after = client.get(PATH).content.decode()
    assert "version 2 in force" in after and f"/changes/{change.pk}/" in after
    assert "the installation" in after
    overview = client.get("/changes/policies/").content.decode()
    assert "1 × Board member, 1 × Safety officer" in overview and PATH in overview


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sign_board": "2"}, "1 more must hold this role first."),
        ({"sign_board": "9"}, "less than or equal to 5"),
        ({"sign_board": "", "sign_safety": "0"}, "Somebody must sign"),
        ({"decision_hours": "4"}, "greater than or equal to 8"),
        ({"reason": " "}, "This field is required"),
    ],
)
def test_the_page_keeps_what_was_typed_beside_its_errors(
    board: Board, given: dict[str, str], message: str
) -> None:
    sent = fields(validity_days="77") | given
    response = signed_in(board.people["administrator"]).post(PATH, sent)
    shown = response.content.decode()
    assert response.status_code == 422
    assert message in shown and 'value="77"' in shown
    assert not ChangeRequest.objects.exists()


def test_who_may_only_look_has_no_form_and_strangers_nothing(board: Board) -> None:
    client = signed_in(board.people["safety"])
    assert "Propose the next version" not in client.get(PATH).content.decode()
    assert client.post(PATH, fields()).status_code == 403
    assert signed_in(make_person()).get(PATH).status_code == 403
    assert client.get("/changes/policies/use_case_stage/unacceptable/").status_code == 404


def test_the_api_lists_and_proposes(board: Board) -> None:
    client = signed_in(board.people["administrator"])
    facts = TWO | {"kind": "use_case_stage", "tier": "minimal", "reason": "Safer."}
    made = client.post("/api/v1/approval-policies/propose/", facts, content_type=JSON)
    assert made.status_code == 201
    assert made.json()["snapshot"]["sign_offs"] == {"sign_board": 1, "sign_safety": 1}
    change = ChangeRequest.objects.get(pk=made.json()["id"])
    decide(board, "board", change)
    decide(board, "compliance", change)
    path = "/api/v1/approval-policies/?kind=use_case_stage&tier=minimal"
    assert [one["version"] for one in client.get(path).json()["results"]] == [2]
    both = client.get(f"{path}&versions=all").json()["results"]
    assert [(one["version"], one["change"]) for one in both] == [(2, change.pk), (1, None)]


def test_the_api_says_what_does_not_fit_and_who_may_not(board: Board) -> None:
    path = "/api/v1/approval-policies/propose/"
    facts = sign_offs(board=2) | {"kind": "use_case_stage", "tier": "minimal", "reason": "x"}
    refused = signed_in(board.people["compliance"]).post(path, facts, content_type=JSON)
    assert refused.status_code == 400 and "Board member (1 of 2)" in refused.content.decode()
    assert signed_in(board.people["safety"]).post(path, facts, content_type=JSON).status_code == 403
    assert signed_in(make_person()).get("/api/v1/approval-policies/").status_code == 403


def test_it_can_be_opened_by_its_plain_facts(board: Board) -> None:
    facts = {"kind": "approval_policy", "subject_id": active().pk, "proposal": TWO, "reason": "x"}
    client = signed_in(board.people["administrator"])
    assert client.post("/api/v1/change-requests/", facts, content_type=JSON).status_code == 201
    facts |= {"subject_id": active(tier="limited").pk, "proposal": sign_offs(data=1)}
    refused = client.post("/api/v1/change-requests/", facts, content_type=JSON)
    assert refused.status_code == 400 and "Data steward" in refused.content.decode()


def test_pages_take_constant_queries(board: Board) -> None:
    client = signed_in(board.people["administrator"])

    def count(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    paths = (PATH, "/api/v1/approval-policies/?versions=all")
    applied(board)
    with_two = [count(path) for path in paths]
    applied(board, proposal=TWO | {"validity_days": 80})
    applied(board, proposal=TWO | {"validity_days": 70})
    assert [count(path) for path in paths] == with_two


def test_the_starting_policies_cover_every_kind_at_every_tier(board: Board) -> None:
    kinds = {kind for kind, _ in ApprovalPolicy.objects.values_list("kind", "tier")}
    # A bundle is decided under what the policies of its parts ask together.
    assert kinds == set(change_subjects) - {"bundle"}
    assert ApprovalPolicy.objects.filter(kind="approval_policy", active=True).count() == 3


def test_an_installation_from_before_gets_the_policy_of_policies(board: Board) -> None:
    migration = import_module("governance.approvals.migrations.0006_policy_of_policies")
    ApprovalPolicy.objects.filter(kind="approval_policy").delete()
    migration.add_where_others_are(apps, None)
    assert propose(board).state == "open"
    fresh = ApprovalPolicy.objects.filter(kind="approval_policy").order_by("tier")
    assert [(one.tier, one.decision_hours, one.validity_days) for one in fresh] == [
        (tier, DECISION_HOURS[tier], VALIDITY_DAYS[tier]) for tier in sorted(DECISION_HOURS)
    ]
    assert content_of(fresh[0]).sign_offs == STARTING_POLICIES["approval_policy", "high"]


def test_a_new_installation_takes_nothing_from_the_migration() -> None:
    migration = import_module("governance.approvals.migrations.0006_policy_of_policies")
    migration.add_where_others_are(apps, None)
    assert not ApprovalPolicy.objects.exists()
