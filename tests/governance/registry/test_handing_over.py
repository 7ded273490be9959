"""A use case, or its draft, goes to a colleague of the team."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest, SignOffSlot
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry import services
from governance.registry.models import UseCase
from tests.factories.ledger import NOW, make_person, make_team
from tests.factories.organisation import world


@pytest.fixture
def colleague(team: Team) -> User:
    return make_person("owner", team)


def test_the_owner_hands_over_and_the_colleague_is_told(
    signed_in: Client, use_case: UseCase, colleague: User, owner: User
) -> None:
    UseCase.objects.filter(pk=use_case.pk).update(is_draft=True)
    url = f"/use-cases/{use_case.slug}/hand-over/"
    page = signed_in.get(url).content.decode()
    assert colleague.name in page
    sent = {"to": colleague.pk, "reason": "I leave the team."}
    assert signed_in.post(url, sent)["Location"] == f"/use-cases/{use_case.slug}/"
    use_case.refresh_from_db()
    assert (use_case.owner, use_case.version) == (colleague, 2)
    event = AuditEvent.objects.get(action="use_case.handed_over")
    assert (event.before, event.after) == ({"owner": owner.email}, {"owner": colleague.email})
    assert event.reason == "I leave the team."
    assert str(use_case) in Notification.objects.get(user=colleague).title
    signed_in.force_login(colleague)
    assert f"Continue the intake of {use_case}" in signed_in.get("/").content.decode()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"to": "", "reason": "Kept words"}, "Choose a colleague"),
        ({"to": "0", "reason": "Kept words"}, "Choose a colleague"),
        ({"to": "²", "reason": "Kept words"}, "Choose a colleague"),
    ],
)
def test_a_wrong_choice_is_said_and_the_words_kept(
    signed_in: Client, use_case: UseCase, colleague: User, sent: dict[str, str], said: str
) -> None:
    refused = signed_in.post(f"/use-cases/{use_case.slug}/hand-over/", sent)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert "Kept words" in refused.content.decode()


def test_it_needs_a_reason(signed_in: Client, use_case: UseCase, colleague: User) -> None:
    url = f"/use-cases/{use_case.slug}/hand-over/"
    refused = signed_in.post(url, {"to": colleague.pk, "reason": " "})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    assert f'value="{colleague.pk}" selected' in refused.content.decode()


def test_it_goes_to_nobody_outside_the_team(
    use_case: UseCase, owner: User, colleague: User
) -> None:
    facts: dict[str, Any] = {"use_case": use_case, "reason": "Why not.", "now": NOW}
    for person in (make_person("owner", make_team()), make_person("board"), owner, None):
        with pytest.raises(Invalid):
            services.hand_over(actor=Actor.person(owner), to=person, **facts)
    with pytest.raises(NotAllowed):
        services.hand_over(actor=Actor.person(make_person("board")), to=colleague, **facts)


def test_others_have_no_such_page(client: Client, use_case: UseCase) -> None:
    url = f"/use-cases/{use_case.slug}/hand-over/"
    client.force_login(make_person("board"))
    assert client.get(url).status_code == 403
    client.force_login(make_person("owner", make_team()))
    assert client.post(url, {}).status_code == 404


def test_without_a_colleague_the_page_says_what_to_do(signed_in: Client, use_case: UseCase) -> None:
    page = signed_in.get(f"/use-cases/{use_case.slug}/hand-over/").content.decode()
    assert "Nobody else manages use cases" in page


@pytest.mark.django_db
def test_nobody_becomes_owner_who_is_asked_to_sign_for_the_team() -> None:
    here = world()
    successor = make_person("owner", here.use_case.team)
    change = ChangeRequest.objects.undecided().get(team=here.use_case.team)
    slot: SignOffSlot = change.slots.first()
    slot.eligible.add(successor)
    with pytest.raises(WrongState, match="asked to sign"):
        services.hand_over(
            actor=here.people.actor("owner"),
            use_case=here.use_case,
            to=successor,
            reason="Why not.",
            now=timezone.now(),
        )
