"""What use cases are scored by: installed, proposed, signed, replaced, and told on old scores."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.registry import assessments
from governance.registry.models import Score, ScoringModel, UseCase
from governance.registry.scoring_content import STARTING
from governance.registry.scoring_models import model_in_force, propose_scoring_model
from tests.factories.approvals import Board, decide, make_board
from tests.factories.ledger import make_person, make_use_case
from tests.factories.registry import queries, score, score_answers
from tests.factories.scoring import all_points, install_model, other_model, reasons, replace_model

pytestmark = pytest.mark.django_db
PAGE = "/use-cases/scoring/"
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    made = make_board()
    install_model()
    return made


def propose(board: Board, role: str = "safety", **changes: Any) -> ChangeRequest:
    return propose_scoring_model(
        actor=board.actor(role),
        proposal=other_model(**changes),
        reason="Trust matters more to us.",
        now=timezone.now(),
    )


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_without_an_installed_one_the_starting_one_is_in_force() -> None:
    assert model_in_force() == (1, STARTING)


def test_it_is_installed_once() -> None:
    assert install_model() == install_model()
    assert model_in_force() == (1, STARTING)
    assert AuditEvent.objects.filter(action="scoring_model.installed").count() == 1


def test_a_signed_change_makes_the_next_version(board: Board) -> None:
    change = decide(board, "board", propose(board))
    assert change.state == "applied"
    version, content = model_in_force()
    assert (version, content.keys) == (2, ("value", "trust", "build", "data"))
    assert ScoringModel.objects.get(active=True).change == change
    event = AuditEvent.objects.get(action="scoring_model.replaced")
    assert event.before is not None and event.after is not None
    assert len(event.before["dimensions"]) == 8 and len(event.after["dimensions"]) == 4
    decide(board, "board", propose(board, threshold="3"))
    states = Approval.objects.filter(kind="scoring_model").order_by("pk")
    assert list(states.values_list("state", flat=True)) == ["superseded", "in_force"]


def test_the_change_is_compared_word_by_word(board: Board) -> None:
    change = propose(board)
    shown = text(client_of(board.people["board"]).get(f"/changes/{change.pk}/"))
    assert "Trust of customers" in shown and "Fit with the strategy" in shown
    assert "Use cases scored by it" in shown


def test_the_proposer_does_not_sign_it(board: Board) -> None:
    board.people["second"] = make_person("board")
    change = propose(board, "board")
    with pytest.raises(NotAllowed):
        decide(board, "board", change)
    assert decide(board, "second", change).state == "applied"


@pytest.mark.parametrize("role", ["owner", "finance", "administrator"])
def test_others_do_not_propose(board: Board, role: str) -> None:
    with pytest.raises(NotAllowed):
        propose(board, role)


def test_what_does_not_fit_or_does_not_differ_is_not_proposed(board: Board) -> None:
    with pytest.raises(Invalid):
        propose(board, threshold="9")
    with pytest.raises(Invalid, match="differs"):
        propose(board, **STARTING.as_proposal())
    propose(board)
    with pytest.raises(WrongState):
        propose(board, threshold="4")


def test_a_version_is_written_once() -> None:
    model = install_model()
    with pytest.raises(IntegrityError), transaction.atomic():
        ScoringModel.objects.filter(pk=model.pk).update(threshold="2")
    ScoringModel.objects.filter(pk=model.pk).update(active=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScoringModel.objects.filter(pk=model.pk).update(active=True)


def test_there_is_one_in_force() -> None:
    install_model()
    with pytest.raises(IntegrityError), transaction.atomic():
        facts = other_model()
        ScoringModel.objects.create(version=2, made_at=timezone.now(), **facts)


def test_an_installation_from_before_gets_the_first_version_and_its_policy() -> None:
    migration = import_module("governance.registry.migrations.0007_scoring_models")
    migration.add_where_policies_are(apps, None)
    assert not ScoringModel.objects.exists()
    make_board()
    ApprovalPolicy.objects.filter(kind="scoring_model").delete()
    for _ in range(2):
        migration.add_where_policies_are(apps, None)
    assert ScoringModel.objects.get().content == STARTING
    assert ApprovalPolicy.objects.filter(kind="scoring_model", active=True).count() == 3


@pytest.fixture
def scored(use_case: UseCase, owner: User) -> Score:
    return score(use_case, owner, 4, 4)


def test_scores_keep_their_version_and_the_portfolio_says_so(
    scored: Score, signed_in: Client, owner: User, use_case: UseCase
) -> None:
    replace_model()
    scored.refresh_from_db()
    assert (scored.model_version, scored.impact_total, scored.quadrant) == (1, 4, "major project")
    shown = text(signed_in.get("/use-cases/map/"))
    assert "1 of 1 was scored by an older scoring model than version 2" in shown
    detail = text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    assert "scoring model 1, an older one" in detail and "Fit with the strategy" in detail


def test_the_threshold_of_its_version_makes_the_quadrant(
    owner: User, use_case: UseCase, signed_in: Client
) -> None:
    replace_model(threshold="4.5")
    made = assessments.record_score(
        actor=_actor(owner),
        use_case=use_case,
        impact={"value": 4, "trust": 4},
        effort={"build": 4, "data": 4},
        rationales=dict.fromkeys(("value", "trust", "build", "data"), "So."),
        now=timezone.now(),
    )
    assert (made.model_version, made.quadrant) == (2, "fill-in")
    assert "fill-in" in text(signed_in.get("/use-cases/"))
    other = make_use_case(use_case.team, owner=owner, title="Under version 1")
    Score.objects.create(
        use_case=other,
        assessor=owner,
        impact={},
        effort={},
        impact_total=4,
        effort_total=4,
        at=timezone.now(),
    )
    listed = text(signed_in.get("/use-cases/?sort=priority"))
    assert listed.index("Under version 1") < listed.index(f">{use_case.title}<")


def _actor(person: User) -> Any:
    return Actor.person(person)


def test_points_read_under_another_version_are_not_taken(
    use_case: UseCase, owner: User, signed_in: Client
) -> None:
    replace_model(**STARTING.as_proposal() | {"threshold": "2"})
    with pytest.raises(Conflict):
        assessments.record_score(
            actor=_actor(owner),
            use_case=use_case,
            impact=dict.fromkeys(all_points(3), 3),
            effort={},
            rationales=reasons(),
            model_version=1,
            now=timezone.now(),
        )
    path = f"/use-cases/{use_case.slug}/intake/scores/"
    late = signed_in.post(path, score_answers() | {"model_version": 1})
    assert late.status_code == 409 and "The scoring model has changed" not in text(late)
    assert "the scoring model has changed" in text(late) and "Why reach." in text(late)
    assert signed_in.post(path, score_answers() | {"model_version": 2}).status_code == 302


def test_another_versions_points_are_not_offered_again(
    scored: Score, signed_in: Client, use_case: UseCase
) -> None:
    replace_model()
    shown = text(signed_in.get(f"/use-cases/{use_case.slug}/intake/scores/"))
    assert "Trust of customers" in shown and "choose the points again" in shown
    assert "checked" not in shown


def form(**changes: Any) -> dict[str, Any]:
    """What the page sends for the other model."""
    sent: dict[str, Any] = {"threshold": "3.5", "reason": "Trust matters."}
    for place, one in enumerate(other_model()["dimensions"]):
        names = {name: one[name] for name in ("key", "title", "kind", "weight")}
        words = {str(point): words for point, words in enumerate(one["words"], 1)}
        sent |= {f"d{place}-{name}": value for name, value in (names | words).items()}
    # A row that was left empty.
    sent |= {f"d9-{name}": "" for name in ("key", "title", "weight", "1")} | {"d9-kind": "impact"}
    return sent | changes


def test_the_page_proposes_and_keeps_what_was_typed(board: Board) -> None:
    client = client_of(board.people["safety"])
    shown = text(client.get(PAGE))
    assert "Version 1 in force" in shown and "40.0 %" in shown
    wrong = client.post(PAGE, form(**{"d0-weight": "heavy", "reason": "Kept words."}))
    assert wrong.status_code == 422
    assert "A number from 0.01 to 100." in text(wrong)
    assert 'value="heavy"' in text(wrong) and "Kept words." in text(wrong)
    sent = client.post(PAGE, form())
    change = ChangeRequest.objects.get(kind="scoring_model")
    assert sent["Location"] == f"/changes/{change.pk}/"
    assert "proposed and undecided" in text(client.get(PAGE))
    decide(board, "board", change)
    after = text(client.get(PAGE))
    assert "Version 2 in force" in after and "Sam" not in after and "’s change" in after


def test_who_may_not_propose_reads_it(board: Board) -> None:
    client = client_of(board.people["finance"])
    assert "propose another version" in text(client.get(PAGE))
    assert client.post(PAGE, form()).status_code == 403


def test_the_api_lists_versions_and_proposes(board: Board) -> None:
    client = client_of(board.people["safety"])
    url = "/api/v1/scoring-models/"
    assert [one["version"] for one in client.get(url).json()["results"]] == [1]
    body = other_model() | {"reason": "Trust matters."}
    made = client.post(f"{url}propose/", body, JSON)
    assert made.status_code == 201
    decide(board, "board", ChangeRequest.objects.get(pk=made.json()["id"]))
    assert [one["version"] for one in client.get(url).json()["results"]] == [2]
    everything = client.get(f"{url}?versions=all").json()["results"]
    assert [one["version"] for one in everything] == [2, 1]
    refused = client.post(f"{url}propose/", body | {"threshold": "1"}, JSON)
    assert refused.status_code == 400


def test_versions_need_as_many_queries_for_three_as_for_one(board: Board) -> None:
    client = client_of(board.people["safety"])
    decide(board, "board", propose(board))
    client.get(PAGE)
    one = queries(lambda: client.get(PAGE))
    for threshold in ("3", "4"):
        decide(board, "board", propose(board, threshold=threshold))
    assert queries(lambda: client.get(PAGE)) == one
