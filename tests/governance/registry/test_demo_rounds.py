"""The demo's two rounds: one agreed on with a spread, one that waits for the owner."""

from __future__ import annotations

import pytest

from governance.registry.models import ScoringRound
from prompts.gateway.demo.scoring import score_together
from tests.factories.ledger import make_use_case
from tests.factories.organisation import world


@pytest.mark.django_db
def test_one_is_agreed_and_one_waits() -> None:
    here = world()
    people = here.people
    waiting = make_use_case(people.teams["support"], owner=people.users["owner"])
    score_together(people, here.use_case, waiting, here.now)
    states = {one.use_case: one.state for one in ScoringRound.objects.all()}
    assert states == {here.use_case: "agreed", waiting: "open"}
    found = here.use_case.scores.deciding_first().first()
    assert found is not None and found.made_by == "consensus of 2 assessors"
