"""Steps, alternatives, shares and vetoes, from the opening to the last signature."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access.models import Grant, User
from governance.approvals.delegation import delegate_signing
from governance.approvals.hooks import sign_offs_waiting
from governance.approvals.models import ApprovalPolicy, ChangeRequest, Decision
from governance.approvals.planning import simulate
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from tests.factories.approvals import Board, ask, decide, make_board, make_change
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
JSON = "application/json"
FIRST_LAW_THEN_BOARD = (
    {"permission": "sign_compliance", "count": 1},
    {"permission": "sign_board", "count": 1, "step": 2},
)
EITHER = {"permission": "sign_board", "count": 1, "any_of": ["sign_safety"]}


@pytest.fixture
def board() -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def told(board: Board, role: str) -> list[str]:
    found = Notification.objects.filter(user=board.people[role])
    return list(found.values_list("title", flat=True))


def in_their_work(board: Board, role: str) -> bool:
    return bool(sign_offs_waiting(User.objects.get(pk=board.people[role].pk), timezone.now()))


def test_a_later_step_is_asked_when_the_one_before_is_signed(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD)
    change = make_change(board)
    assert [(one.permission, one.step) for one in change.slots.all()] == [
        ("sign_compliance", 1),
        ("sign_board", 2),
    ]
    assert told(board, "compliance") and not told(board, "board")
    assert in_their_work(board, "compliance") and not in_their_work(board, "board")
    name = board.people["compliance"].name
    with pytest.raises(
        NotAllowed, match=rf"not your turn yet. First must sign: Compliance \({name}"
    ):
        decide(board, "board", change)
    decide(board, "compliance", change)
    assert told(board, "board") == [f"Your decision is asked for: {change.title}"]
    assert in_their_work(board, "board") and len(told(board, "compliance")) == 1
    assert decide(board, "board", change).state == "applied"


def test_nobody_is_told_of_their_step_before_all_of_the_one_before(board: Board) -> None:
    ask(
        {"permission": "sign_compliance", "count": 1},
        {"permission": "sign_safety", "count": 1},
        {"permission": "sign_board", "count": 1, "step": 2},
    )
    change = make_change(board)
    decide(board, "compliance", change)
    assert not told(board, "board") and len(told(board, "safety")) == 1
    decide(board, "safety", change)
    assert told(board, "board")


def test_the_page_shows_the_steps_and_whose_turn_it_is(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD)
    url = f"/changes/{make_change(board).pk}/"
    early = signed_in(board.people["board"]).get(url)
    shown = early.content.decode()
    assert not early.context["seat"]
    assert "It is not your turn yet. First must sign: Compliance" in shown
    assert "Step 2" in shown and f"will wait for {board.people['board'].name}" in shown
    assert signed_in(board.people["compliance"]).get(url).context["seat"]


def test_a_stand_in_waits_for_the_step_of_whom_they_stand_in_for(board: Board) -> None:
    board.people["deputy"], now = make_person(), timezone.now()
    delegate_signing(
        actor=board.actor("board"),
        delegate=board.people["deputy"],
        permission="sign_board",
        starts_at=now,
        ends_at=now + timedelta(days=7),
        reason="Away",
        now=now,
    )
    ask(*FIRST_LAW_THEN_BOARD)
    change = make_change(board)
    assert not in_their_work(board, "deputy")
    with pytest.raises(NotAllowed, match="not your turn yet"):
        decide(board, "deputy", change)
    decide(board, "compliance", change)
    assert in_their_work(board, "deputy")
    assert decide(board, "deputy", change).state == "applied"


@pytest.mark.parametrize("role", ["board", "safety"])
def test_any_of_several_roles_fills_one_slot(board: Board, role: str) -> None:
    ask(EITHER)
    change = make_change(board)
    assert in_their_work(board, "board") and in_their_work(board, "safety")
    assert decide(board, role, change).state == "applied"
    event = AuditEvent.objects.get(action="change.decided")
    assert event.after is not None
    assert event.after["signs_as"] == "Board member or Safety officer"


def test_a_stand_in_signs_under_the_role_that_was_passed_on(board: Board) -> None:
    board.people["deputy"], now = make_person(), timezone.now()
    delegate_signing(
        actor=board.actor("safety"),
        delegate=board.people["deputy"],
        permission="sign_safety",
        starts_at=now,
        ends_at=now + timedelta(days=7),
        reason="Away",
        now=now,
    )
    ask(EITHER)
    change = make_change(board)
    assert in_their_work(board, "deputy")
    assert decide(board, "deputy", change).state == "applied"
    assert Decision.objects.get().on_behalf_of == board.people["safety"]


def test_an_alternative_is_left_to_whoever_has_no_other_slot(board: Board) -> None:
    """The board member takes the slot that only they can fill, whichever comes first."""
    ask(EITHER, {"permission": "sign_board", "count": 1})
    change = make_change(board)
    decide(board, "board", change)
    filled = change.slots.exclude(filled_by=None).get()
    assert filled.any_of == []
    assert decide(board, "safety", change).state == "applied"


def test_one_person_of_both_roles_signs_once(board: Board) -> None:
    ask(EITHER, {"permission": "sign_board", "count": 1})
    Grant.objects.filter(user=board.people["safety"]).update(revoked_at=timezone.now())
    with pytest.raises(WrongState, match="nobody without a conflict could sign"):
        make_change(board)


@pytest.mark.parametrize(("members", "slots"), [(1, 1), (3, 2), (4, 2)])
def test_a_share_is_frozen_into_a_count(board: Board, members: int, slots: int) -> None:
    for number in range(1, members):
        board.people[f"member{number}"] = make_person("board")
    ask({"permission": "sign_board", "share": 50})
    change = make_change(board)
    assert change.slots.count() == slots
    make_person("board")
    make_person("board")
    assert change.slots.count() == slots
    for role in ["board", *(f"member{number}" for number in range(1, slots))]:
        decide(board, role, change)
    assert change.state == "applied"


def test_a_share_of_nobody_blocks(board: Board) -> None:
    ask({"permission": "sign_data", "share": 50})
    with pytest.raises(WrongState, match="could sign as Data steward"):
        make_change(board)


def test_a_veto_rejects_without_a_slot_and_does_nothing_else(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD, veto=["sign_safety"])
    change = make_change(board)
    with pytest.raises(NotAllowed, match="you may stop this request"):
        decide(board, "safety", change)
    with pytest.raises(Invalid):
        decide(board, "safety", change, outcome="reject", rationale=" ")
    closed = decide(board, "safety", change, outcome="reject", rationale="Unsafe.")
    assert closed.state == "rejected"
    decision = Decision.objects.get()
    assert (decision.slot, decision.person) == (None, board.people["safety"])
    event = AuditEvent.objects.get(action="change.decided")
    assert event.after is not None and event.after["signs_as"] == "Safety officer, by veto"


def test_a_veto_holder_of_a_later_step_may_stop_it_at_once(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD, veto=["sign_board"])
    change = make_change(board)
    assert decide(board, "board", change, outcome="reject").state == "rejected"


def test_who_has_signed_or_lost_the_role_vetoes_nothing(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD, veto=["sign_compliance", "sign_safety"])
    change = make_change(board)
    decide(board, "compliance", change)
    with pytest.raises(NotAllowed):
        decide(board, "compliance", change, outcome="reject")
    Grant.objects.filter(user=board.people["safety"]).update(revoked_at=timezone.now())
    with pytest.raises(NotAllowed):
        decide(board, "safety", change, outcome="reject")


def test_the_page_offers_a_veto_only_to_reject(board: Board) -> None:
    ask(*FIRST_LAW_THEN_BOARD, veto=["sign_safety"])
    change = make_change(board)
    client, url = signed_in(board.people["safety"]), f"/changes/{change.pk}/"
    shown = client.get(url)
    words = shown.content.decode()
    assert [str(one) for one in shown.context["outcomes"]] == ["reject"]
    assert "You decide as Safety officer, by veto" in words and "A condition" not in words
    assert "Safety officer may stop this at any step." in words
    facts = {"digest": change.digest, "outcome": "reject", "rationale": "Unsafe."}
    assert client.post(f"{url}decide/", facts).status_code == 302
    change.refresh_from_db()
    assert change.state == "rejected"


def test_the_simulator_shows_what_opening_freezes(board: Board) -> None:
    make_person("board")
    ask(EITHER, {"permission": "sign_compliance", "share": 100, "step": 2})
    outlook = simulate(
        kind="use_case_stage",
        tier=RiskTier.MINIMAL,
        team=board.team,
        proposer=board.people["owner"],
        now=timezone.now(),
    )
    change = make_change(board)
    frozen = [(one.roles, one.step, set(one.eligible.all())) for one in change.slots.all()]
    seen = [(one.slot.roles, one.slot.step, set(one.slot.people)) for one in outlook.slots]
    assert seen == frozen
    client = signed_in(board.people["compliance"])
    facts: dict[str, Any] = {
        "kind": "use_case_stage",
        "tier": "minimal",
        "proposer": board.people["owner"].pk,
    }
    shown = client.get("/changes/policies/simulate/", facts).content.decode()
    assert "Board member or Safety officer" in shown and "step 2" in shown
    assert "then all who sign as Compliance" in shown
    told = client.post("/api/v1/approval-policies/simulate/", facts, JSON).json()
    slots = [(one["permission"], one["any_of"], one["step"]) for one in told["slots"]]
    assert slots == [("sign_board", ["sign_safety"], 1), ("sign_compliance", [], 2)]


PATH = "/changes/policies/use_case_stage/minimal/"
FIELDS = {"decision_hours": "16", "validity_days": "90", "reason": "Safer."}


def test_the_page_proposes_every_shape_and_shows_it_again(board: Board) -> None:
    client = signed_in(board.people["administrator"])
    lines = {
        "sign_compliance": "1",
        "roles_1": ["sign_board", "sign_safety"],
        "share_1": "50",
        "step_1": "2",
        "veto": ["sign_safety"],
    }
    sent = client.post(PATH, FIELDS | lines)
    assert sent.status_code == 302, sent.content.decode()
    change = ChangeRequest.objects.get()
    detail = client.get(sent.headers["Location"]).content.decode()
    assert "step 2: sign board or sign safety" in detail and "50 % of all who may" in detail
    decide(board, "board", change)
    decide(board, "compliance", change)
    policy = ApprovalPolicy.objects.get(kind="use_case_stage", tier="minimal", active=True)
    assert (policy.sign_offs, policy.veto) == (
        [
            {"permission": "sign_compliance", "count": 1},
            {"permission": "sign_board", "share": 50, "any_of": ["sign_safety"], "step": 2},
        ],
        ["sign_safety"],
    )
    after = client.get(PATH)
    assert "then half of all who sign as Board member or Safety officer" in after.content.decode()
    form = after.context["form"]
    assert form.shows_lines() and form["share_1"].value() == 50
    assert form["roles_1"].value() == ["sign_board", "sign_safety"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count_1": "1"}, "Choose who signs."),
        ({"roles_1": ["sign_board"]}, "one of the two"),
        ({"roles_1": ["sign_board"], "count_1": "1", "share_1": "5"}, "one of the two"),
        ({"roles_1": ["sign_board"], "share_1": "101"}, "less than or equal to 100"),
        ({"roles_1": ["sign_board"], "count_1": "1", "step_1": "3"}, "without a gap"),
        (
            {"roles_1": ["sign_board", "sign_data"], "count_1": "5"},
            "4 more must be Board member or",
        ),
    ],
)
def test_a_line_that_does_not_fit_is_kept_with_its_error(
    board: Board, given: dict[str, Any], message: str
) -> None:
    sent = FIELDS | {"sign_compliance": "1"} | given
    response = signed_in(board.people["administrator"]).post(PATH, sent)
    shown = response.content.decode()
    assert response.status_code == 422 and message in shown
    assert response.context["form"].shows_lines() and "<details open>" in shown
    assert not ChangeRequest.objects.exists()


def test_the_api_proposes_and_lists_every_shape(board: Board) -> None:
    client = signed_in(board.people["administrator"])
    facts = {
        "kind": "use_case_stage",
        "tier": "minimal",
        "sign_offs": [EITHER, {"permission": "sign_compliance", "share": 50, "step": 2}],
        "veto": ["sign_safety"],
        "decision_hours": 16,
        "validity_days": 90,
        "reason": "Safer.",
    }
    made = client.post("/api/v1/approval-policies/propose/", facts, content_type=JSON)
    assert made.status_code == 201, made.content
    assert made.json()["snapshot"]["veto"] == ["sign_safety"]
    change = ChangeRequest.objects.get()
    decide(board, "board", change)
    decide(board, "compliance", change)
    path = "/api/v1/approval-policies/?kind=use_case_stage&tier=minimal"
    (policy,) = client.get(path).json()["results"]
    assert policy["veto"] == ["sign_safety"]
    plain = {"any_of": [], "step": 1, "share": None, "count": None}
    assert policy["sign_offs"] == [
        plain | EITHER,
        plain | {"permission": "sign_compliance", "share": 50, "step": 2},
    ]
    wrong = facts | {"sign_offs": [EITHER | {"step": 2}]}
    refused = client.post("/api/v1/approval-policies/propose/", wrong, content_type=JSON)
    assert refused.status_code == 400 and "without a gap" in refused.content.decode()


def test_the_policy_of_policies_counts_a_share_without_its_proposer(board: Board) -> None:
    """All of compliance must sign; the only one may still propose, since others can too."""
    client = signed_in(board.people["administrator"])
    facts = FIELDS | {"sign_board": "1", "roles_1": ["sign_compliance"], "share_1": "100"}
    sent = client.post("/changes/policies/approval_policy/high/", facts)
    assert sent.status_code == 302
    evidence = client.get(sent.headers["Location"]).context["evidence"]
    assert (evidence[0].value, evidence[0].live_value) == ("2", "2")


@pytest.mark.django_db(transaction=True)
def test_the_last_two_of_two_steps_at_the_same_instant() -> None:
    """Either the second step comes second and it applies, or it came early and is refused."""
    board = make_board()
    ask(*FIRST_LAW_THEN_BOARD)
    change = make_change(board)
    barrier, failures = threading.Barrier(2), []

    def run(role: str) -> None:
        barrier.wait()
        try:
            decide(board, role, ChangeRequest.objects.get(pk=change.pk))
        except NotAllowed as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[role]) for role in ("compliance", "board")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    change.refresh_from_db()
    if failures:
        assert "not your turn yet" in failures[0].message
        assert (change.state, Decision.objects.count()) == ("open", 1)
        decide(board, "board", change)
    assert change.state == "applied"
    order = Decision.objects.order_by("pk").values_list("slot__step", flat=True)
    assert list(order) == [1, 2]
