"""Two at once: the last two administrators, one form, one key, one ring of teams."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from governance.access import keys, services
from governance.access.models import ApiKey, Grant, Team
from governance.access.policies import KEEPER_ROLES
from governance.kernel.authority import Actor
from governance.kernel.errors import PlacetError
from tests.factories.ledger import make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[str]:
    """Run them together; "done", or the name of the refusal, sorted."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> str:
        barrier.wait()
        try:
            work()
        except PlacetError as refused:
            return type(refused).__name__
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(run, works))


def test_two_administrators_cannot_end_each_other() -> None:
    ada, bob = make_person("administrator"), make_person("administrator")
    bobs = bob.grants.get()
    now = timezone.now()
    outcomes = at_once(
        lambda: services.revoke_grant(actor=Actor.person(ada), grant_id=bobs.pk, now=now),
        lambda: services.deactivate_user(actor=Actor.person(bob), user=ada, now=now),
    )
    assert outcomes in (["WrongState", "done"], ["NotAllowed", "done"])
    keepers = Grant.objects.live(now).filter(role__in=KEEPER_ROLES, user__is_active=True)
    assert keepers.count() == 1


def test_one_form_sent_twice_at_once_makes_one_key() -> None:
    team = make_team()
    otto, use_case, token = make_person("owner", team), make_use_case(team), uuid4()

    def send() -> None:
        keys.create_api_key(
            actor=Actor.person(otto),
            use_case_id=use_case.pk,
            use_case_slug=use_case.slug,
            team=team,
            name="Intake",
            now=timezone.now(),
            form_token=token,
        )

    assert at_once(send, send) == ["WrongState", "done"]
    (made,) = ApiKey.objects.all()

    def rotate() -> None:
        keys.rotate_api_key(actor=Actor.person(otto), key_id=made.pk, now=timezone.now())

    assert at_once(rotate, rotate) == ["WrongState", "done"]
    assert ApiKey.objects.count() == 2


def test_two_moves_cannot_close_a_ring() -> None:
    one, two, actor = make_team("one"), make_team("two"), Actor.system("tests")
    now = timezone.now()
    outcomes = at_once(
        lambda: services.change_team(actor=actor, team_id=one.pk, parent=two, now=now),
        lambda: services.change_team(actor=actor, team_id=two.pk, parent=one, now=now),
    )
    assert outcomes == ["Invalid", "done"]
    assert Team.objects.filter(parent=None).count() == 1


def test_the_same_role_granted_twice_at_once_is_granted_once() -> None:
    pia, team, actor = make_person(), make_team(), Actor.system("tests")

    def give() -> None:
        services.grant_role(actor=actor, user=pia, role="owner", scope=team, now=timezone.now())

    assert at_once(give, give) == ["WrongState", "done"]
    assert Grant.objects.filter(user=pia).count() == 1
