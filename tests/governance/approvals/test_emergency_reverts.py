"""What each kind of change does when it is taken back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services
from governance.approvals.emergencies import ask_emergency
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import keep_house
from governance.audit.models import AuditEvent
from governance.model_cards import services as cards
from governance.model_cards.models import Deployment, ModelCard
from prompts.releases.models import Release
from prompts.releases.services import end_release
from telemetry.chargeback.models import Budget
from telemetry.chargeback.renewal import renew_budgets
from telemetry.chargeback.subjects import propose_limit
from tests.factories.emergencies import WHY, speak_for
from tests.factories.ledger import make_person
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db
SIGNING_ROLES = ("board", "safety", "data_steward", "ml_engineer", "finance")


@pytest.fixture
def here() -> World:
    return world()


def crowd() -> list[User]:
    """Two more of each role that signs; the first two of them let things through."""
    return [make_person(role) for role in SIGNING_ROLES for _ in range(2)]


def applied_at_once(here: World, role: str, change: ChangeRequest) -> ChangeRequest:
    """Its proposer says that it cannot wait, and two who sign such things let it through."""
    now = timezone.now()
    ask_emergency(actor=here.people.actor(role), change_id=change.pk, why_now=WHY, now=now)
    known = {user.pk for user in here.people.users.values()}
    eligible = User.objects.filter(pk__in=change.slots.values("eligible")).order_by("-pk")
    for person in [one for one in eligible if one.pk not in known][:2]:
        speak_for(change, person)
    assert change.state == "provisional"
    return change


def revert(change: ChangeRequest) -> None:
    keep_house(now=change.emergency.ratify_by)
    change.refresh_from_db()
    assert change.state == "reverted"


def second_release(here: World) -> ChangeRequest:
    """The release that waits in the demo organisation, before more people than it was opened with."""
    crowd()
    change = ChangeRequest.objects.get(kind="prompt_release", state="open")
    owner, now = here.people.actor("owner"), timezone.now()
    return services.revise(actor=owner, change_id=change.pk, reason="Now.", now=now)


def test_a_release_gives_way_to_the_one_before_it(here: World) -> None:
    first = Release.objects.get(ended_at=None)
    change = applied_at_once(here, "owner", second_release(here))
    assert Release.objects.get(ended_at=None).version.number == 2
    revert(change)
    running = Release.objects.get(ended_at=None)
    assert (running.version, running.approval) == (first.version, first.approval)
    assert running.approval.state == "in_force"
    assert AuditEvent.objects.filter(action="release.rolled_back").count() == 1


def test_a_release_that_came_first_only_ends(here: World) -> None:
    first, now = Release.objects.get(ended_at=None), timezone.now()
    change = second_release(here)
    end_release(actor=here.people.actor("owner"), release_id=first.pk, reason="Bad.", now=now)
    owner = here.people.actor("owner")
    services.revise(actor=owner, change_id=change.pk, reason="Now.", now=now)
    change.refresh_from_db()
    revert(applied_at_once(here, "owner", change))
    assert not Release.objects.filter(ended_at=None).exists()


def test_a_release_that_somebody_ended_stays_ended(here: World) -> None:
    change = applied_at_once(here, "owner", second_release(here))
    running, now = Release.objects.get(ended_at=None), timezone.now()
    end_release(actor=here.people.actor("owner"), release_id=running.pk, reason="Bad.", now=now)
    revert(change)
    assert not Release.objects.filter(ended_at=None).exists()


def raised(here: World, limit: str) -> tuple[Budget, ChangeRequest]:
    crowd()
    budget = Budget.objects.get(team=here.people.teams["legal"], use_case=None)
    change = propose_limit(
        actor=here.people.actor("owner"),
        budget=budget,
        limit=Decimal(limit),
        reason="More calls.",
        now=timezone.now(),
    )
    return budget, applied_at_once(here, "owner", change)


def test_a_budget_has_its_earlier_limit_again_also_where_it_was_renewed(here: World) -> None:
    budget, change = raised(here, "9000")
    earlier, used = budget.limit, Decimal("8000")
    assert earlier < used
    month = date(budget.starts_on.year + 1, 1, 1)
    hard = budget.hard
    renew_budgets(team_id=budget.team_id, day=month, now=here.now)
    renewed = Budget.objects.get(team=budget.team, use_case=None, starts_on=month)
    Budget.objects.filter(pk=renewed.pk).update(captured=used)
    revert(change)
    budget.refresh_from_db()
    renewed.refresh_from_db()
    assert (budget.limit, budget.hard) == (earlier, hard)
    # What is spent cannot be taken back.
    assert renewed.limit == used


def new_card(here: World) -> ModelCard:
    """The next version of the card whose model is called here."""
    author, now = here.people.actor("ml_engineer"), timezone.now()
    card = ModelCard.objects.get(slug="smollm2-135m")
    return cards.add_version(actor=author, card=card, now=now)


def test_a_card_is_withdrawn_and_the_version_before_it_is_back(here: World) -> None:
    crowd()
    author = here.people.actor("ml_engineer")
    first, second = ModelCard.objects.get(slug="smollm2-135m"), new_card(here)
    change = cards.propose_card(actor=author, card=second, reason="Now.", now=timezone.now())
    applied_at_once(here, "ml_engineer", change)
    deployment = Deployment.objects.get(slug="smollm2-local")
    assert deployment.card == second
    revert(change)
    for one in (first, second, deployment):
        one.refresh_from_db()
    assert (first.state, second.state, deployment.card) == ("approved", "withdrawn", first)
    standing = Approval.objects.get(kind="model_card", subject_id=first.pk)
    assert standing.state == "in_force"


def test_a_deployment_has_its_earlier_facts(here: World) -> None:
    crowd()
    deployment = Deployment.objects.get(slug="smollm2-local")
    change = cards.propose_deployment(
        actor=here.people.actor("ml_engineer"),
        deployment=deployment,
        reason="Now.",
        now=timezone.now(),
        changes={"region": "elsewhere"},
    )
    applied_at_once(here, "ml_engineer", change)
    deployment.refresh_from_db()
    before = deployment.region
    revert(change)
    deployment.refresh_from_db()
    assert (before, deployment.region) == ("elsewhere", "this machine")
    assert deployment.state == "callable"


def test_a_deployment_that_could_not_be_called_is_suspended(here: World) -> None:
    crowd()
    author, now = here.people.actor("ml_engineer"), timezone.now()
    deployment = Deployment.objects.get(slug="smollm2-local")
    Deployment.objects.filter(pk=deployment.pk).update(state="suspended")
    deployment.refresh_from_db()
    change = cards.propose_deployment(actor=author, deployment=deployment, reason="x", now=now)
    applied_at_once(here, "ml_engineer", change)
    deployment.refresh_from_db()
    assert deployment.state == "callable"
    revert(change)
    deployment.refresh_from_db()
    assert deployment.state == "suspended"


def test_what_it_replaced_and_ran_out_meanwhile_does_not_come_back(here: World) -> None:
    first = Release.objects.get(ended_at=None)
    change = applied_at_once(here, "owner", second_release(here))
    over = change.emergency.ratify_by - timedelta(seconds=1)
    Approval.objects.filter(pk=first.approval_id).update(valid_until=over)
    revert(change)
    assert Approval.objects.get(pk=first.approval_id).state == "superseded"
    assert not Release.objects.filter(ended_at=None).exists()


def test_a_ratified_release_runs_on(here: World) -> None:
    change = applied_at_once(here, "owner", second_release(here))
    sign_all(here, change)
    keep_house(now=change.emergency.ratify_by)
    change.refresh_from_db()
    assert change.state == "applied"
    assert Release.objects.get(ended_at=None).version.number == 2


def sign_all(here: World, change: ChangeRequest) -> None:
    for role in ("board", "ml_engineer"):
        services.decide(
            actor=here.people.actor(role),
            change_id=change.pk,
            outcome="approve",
            rationale="Right so.",
            digest_seen=change.digest,
            now=timezone.now(),
        )
