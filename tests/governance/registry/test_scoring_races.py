"""Real threads on real connections: one is the last, and all is shown once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import PlacetError
from governance.registry import rounds
from governance.registry.models import Score, ScoringModel, ScoringRound, UseCase
from governance.registry.scoring_models import propose_scoring_model
from tests.factories.approvals import decide, make_board
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.registry import score
from tests.factories.scoring import agree, hand_in, install_model, make_round, other_model

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: list[Callable[[], Any]]) -> list[str]:
    """Run all, each on a connection of its own, beginning together; "done" or the error's code."""
    barrier = threading.Barrier(len(work))

    def run(one: Callable[[], Any]) -> str:
        connection.ensure_connection()
        barrier.wait()
        try:
            one()
            return "done"
        except PlacetError as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def people_of(count: int) -> tuple[UseCase, list[User]]:
    team = make_team()
    use_case = make_use_case(team, owner=make_person("owner", team))
    return use_case, [make_person("safety") for _ in range(count)]


def handing_in(found: ScoringRound, person: User) -> Callable[[], Any]:
    return lambda: hand_in(ScoringRound.objects.get(pk=found.pk), User.objects.get(pk=person.pk))


@pytest.mark.parametrize("count", [2, 5])
def test_however_many_hand_in_at_once_it_is_shown_once(count: int) -> None:
    use_case, people = people_of(count)
    found = make_round(use_case, people[0], *people)
    assert at_once([handing_in(found, one) for one in people]) == ["done"] * count
    found.refresh_from_db()
    assert found.state == "revealed"
    assert AuditEvent.objects.filter(action="use_case.round_revealed").count() == 1
    event = AuditEvent.objects.get(action="use_case.round_revealed")
    assert event.after is not None and len(event.after["scores"]) == count
    shown = Notification.objects.filter(title__contains="are shown now")
    assert shown.count() == count


def test_the_last_score_and_an_early_close() -> None:
    use_case, people = people_of(2)
    found = make_round(use_case, people[0], *people)
    hand_in(found, people[0])

    def close() -> None:
        actor = Actor.person(User.objects.get(pk=people[0].pk))
        rounds.close_early(actor=actor, round_id=found.pk, reason="Late.", now=timezone.now())

    got = at_once([handing_in(found, people[1]), close])
    assert got.count("done") == 1
    found.refresh_from_db()
    assert found.state == "revealed"
    events = AuditEvent.objects.filter(
        action__in=["use_case.round_revealed", "use_case.round_closed"]
    )
    assert events.count() == 1


def test_two_open_a_round_at_once() -> None:
    use_case, people = people_of(2)
    work = [lambda one=one: make_round(use_case, one, *people) for one in people]
    assert at_once(work).count("done") == 1
    assert ScoringRound.objects.count() == 1


def test_two_consensuses_at_once() -> None:
    use_case, people = people_of(1)
    found = make_round(use_case, people[0], *people)
    hand_in(found, people[0])
    got = at_once([lambda points=points: agree(found, people[0], points) for points in (2, 4)])
    assert got.count("done") == 1
    assert Score.objects.count() == 1


def test_a_score_of_ones_own_and_a_round_at_once() -> None:
    """Whoever comes first: a score stands beside no open round that it could lead."""
    use_case, people = people_of(1)
    work = [lambda: score(use_case, people[0]), lambda: make_round(use_case, people[0], *people)]
    got = at_once(work)
    assert got[1] == "done"
    assert (got[0] == "done") == Score.objects.exists()


def test_one_change_of_the_scoring_model_is_applied_once() -> None:
    board = make_board()
    install_model()
    board.people["second"] = make_person("board")
    change = propose_scoring_model(
        actor=board.actor("safety"), proposal=other_model(), reason="So.", now=timezone.now()
    )
    got = at_once([lambda role=role: decide(board, role, change) for role in ("board", "second")])
    assert got.count("done") == 1
    assert list(ScoringModel.objects.values_list("version", "active")) == [(2, True), (1, False)]
