"""The last who can sign for the board or for compliance does not go away unnoticed."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.access import services
from governance.access.models import Grant
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from tests.factories.ledger import make_person
from tests.governance.access.test_races import at_once

SYSTEM = Actor.system("tests")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "title"), [("board", "Board member"), ("compliance", "Compliance")]
)
def test_the_last_stays_until_somebody_else_holds_it(role: str, title: str) -> None:
    last, now = make_person(role), timezone.now()
    grant = last.grants.get()
    for take_away in (
        lambda: services.revoke_grant(actor=SYSTEM, grant_id=grant.pk, now=now),
        lambda: services.deactivate_user(actor=SYSTEM, user=last, now=now),
    ):
        with pytest.raises(WrongState, match=f"last who could sign as {title}"):
            take_away()
    make_person(role)
    services.revoke_grant(actor=SYSTEM, grant_id=grant.pk, now=now)
    assert Grant.objects.live(now).filter(role=role).count() == 1


@pytest.mark.django_db
def test_a_deactivated_holder_does_not_count() -> None:
    last, left = make_person("board"), make_person("board")
    services.deactivate_user(actor=SYSTEM, user=left, now=timezone.now())
    with pytest.raises(WrongState):
        services.deactivate_user(actor=SYSTEM, user=last, now=timezone.now())


@pytest.mark.django_db
def test_other_roles_may_end() -> None:
    only = make_person("safety")
    services.deactivate_user(actor=SYSTEM, user=only, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_the_last_two_cannot_both_go_at_once() -> None:
    one, two, now = make_person("board"), make_person("board"), timezone.now()
    ada, bob = make_person("administrator"), make_person("administrator")
    grant = one.grants.get()
    outcomes = at_once(
        lambda: services.revoke_grant(actor=Actor.person(ada), grant_id=grant.pk, now=now),
        lambda: services.deactivate_user(actor=Actor.person(bob), user=two, now=now),
    )
    assert outcomes == ["WrongState", "done"]
    left = Grant.objects.live(now).filter(role="board", user__is_active=True)
    assert left.count() == 1
