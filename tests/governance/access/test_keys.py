"""API keys as pages: made once, shown once, rotated, revoked."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from governance.access import keys
from governance.access.models import ApiKey, Team, User
from governance.access.selectors import KeyRefused, authenticate_key
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.governance.access.conftest import assert_constant, signed_in

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"plc_[a-z0-9]{8}_[A-Za-z0-9_-]{43}")


def make_key(team: Team, by: User, **facts: Any) -> tuple[ApiKey, str]:
    use_case = make_use_case(team)
    return keys.create_api_key(
        actor=Actor.person(by),
        use_case_id=use_case.pk,
        use_case_slug=use_case.slug,
        team=team,
        name=facts.pop("name", "Intake"),
        now=facts.pop("now", timezone.now()),
        **facts,
    )


@pytest.fixture
def team() -> Team:
    return make_team("legal")


@pytest.fixture
def otto(team: Team) -> User:
    return make_person("owner", team)


@pytest.fixture
def his(otto: User) -> Client:
    return signed_in(otto)


@pytest.fixture
def use_case(team: Team) -> UseCase:
    return make_use_case(team)


def asked_for(use_case: UseCase, **changes: Any) -> dict[str, Any]:
    return {
        "use_case": use_case.slug,
        "name": "Letter intake",
        "scopes": ["calls:create"],
        "requests_per_minute": "90",
        "expires_at": "",
        "form_token": str(uuid4()),
    } | changes


def test_a_key_is_made_and_shown_on_the_reply_alone(
    his: Client, use_case: UseCase, caplog: pytest.LogCaptureFixture
) -> None:
    assert use_case.title in his.get("/keys/new/").content.decode()
    with caplog.at_level(logging.DEBUG):
        reply = his.post("/keys/new/", asked_for(use_case))
    found = SECRET.search(reply.content.decode())
    assert found
    key = authenticate_key(found[0], timezone.now())
    assert (key.use_case_id, key.scopes, key.requests_per_minute) == (
        use_case.pk,
        ["calls:create"],
        90,
    )
    assert "no-store" in reply["Cache-Control"]
    assert reply.status_code == 200  # no address that could be opened again
    secret = found[0].split("_", 2)[2]
    for path in ("/keys/", f"/keys/{key.pk}/", "/keys/new/"):
        assert secret not in his.get(path).content.decode()
    assert secret not in caplog.text
    assert not any(secret in str(one.get_decoded()) for one in Session.objects.all())
    assert not any(secret in bytes(one.canonical).decode() for one in AuditEvent.objects.all())


def test_a_reload_of_the_reply_makes_no_second_key(his: Client, use_case: UseCase) -> None:
    asked = asked_for(use_case)
    his.post("/keys/new/", asked)
    again = his.post("/keys/new/", asked)
    assert again.status_code == 409
    assert "No second key was made: this form was sent before" in again.content.decode()
    assert not SECRET.search(again.content.decode())
    assert ApiKey.objects.count() == 1


def test_each_form_has_a_token_of_its_own(his: Client, use_case: UseCase) -> None:
    tokens = {str(his.get("/keys/new/").context["form"]["form_token"].value()) for _ in range(2)}
    assert len(tokens) == 2
    page = his.post("/keys/new/", asked_for(use_case, form_token=""))
    assert page.status_code == 422
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"use_case": ""}, "use_case"),
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"requests_per_minute": "0"}, "requests_per_minute"),
        ({"requests_per_minute": "10001"}, "requests_per_minute"),
        ({"expires_at": "2020-01-01"}, "expires_at"),
    ],
)
def test_a_refused_key_keeps_what_was_typed(
    his: Client, use_case: UseCase, changed: dict[str, Any], field: str
) -> None:
    asked = asked_for(use_case, name="Kept words", requests_per_minute="77") | changed
    page = his.post("/keys/new/", asked)
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert ("77" if field != "requests_per_minute" else "Kept words") in page.content.decode()
    assert not ApiKey.objects.exists()


def test_only_own_and_living_use_cases_are_offered(his: Client, use_case: UseCase) -> None:
    stranger = make_use_case()
    retired = make_use_case(use_case.team, stage="retired")
    offered = [slug for slug, _ in his.get("/keys/new/").context["form"].fields["use_case"].choices]
    assert offered == ["", use_case.slug]
    for one in (stranger, retired):
        assert his.post("/keys/new/", asked_for(one)).status_code == 422


def test_without_a_use_case_the_page_says_so(his: Client) -> None:
    assert b'class="empty"' in his.get("/keys/new/").content
    assert b'class="empty"' in his.get("/keys/").content


def test_who_may_not_make_keys() -> None:
    team = make_team()
    with pytest.raises(NotAllowed):
        make_key(team, make_person("owner", make_team()))
    board = signed_in(make_person("board"))
    assert board.get("/keys/").status_code == 403
    assert board.get("/keys/new/").status_code == 403


def test_a_rotated_key_overlaps_and_lives_as_long_again(
    his: Client, team: Team, otto: User
) -> None:
    now = timezone.now()
    made = now - timedelta(days=80)
    old, first = make_key(team, otto, now=made, expires_at=made + timedelta(days=90))
    reply = his.post(f"/keys/{old.pk}/rotate/")
    found = SECRET.search(reply.content.decode())
    assert found
    assert "no-store" in reply["Cache-Control"]
    fresh = authenticate_key(found[0], timezone.now())
    assert (fresh.replaces_id, fresh.scopes) == (old.pk, old.scopes)
    assert fresh.expires_at == fresh.created_at + timedelta(days=90)
    assert authenticate_key(first, fresh.created_at + timedelta(hours=23)) == old
    with pytest.raises(KeyRefused):
        authenticate_key(first, fresh.created_at + timedelta(hours=24))
    rotated = AuditEvent.objects.get(action="api_key.rotated")
    assert rotated.after and rotated.after["replaced_by"] == fresh.prefix


def test_a_reload_of_the_rotation_makes_no_third_key(his: Client, team: Team, otto: User) -> None:
    old, _ = make_key(team, otto)
    his.post(f"/keys/{old.pk}/rotate/")
    again = his.post(f"/keys/{old.pk}/rotate/")
    assert again.status_code == 409
    assert "was rotated before" in again.content.decode()
    assert not SECRET.search(again.content.decode())
    assert ApiKey.objects.count() == 2


def test_rotation_never_lengthens_the_old_key(team: Team, otto: User) -> None:
    now = timezone.now()
    old, _ = make_key(team, otto, expires_at=now + timedelta(hours=1), now=now)
    keys.rotate_api_key(actor=Actor.person(otto), key_id=old.pk, now=now)
    old.refresh_from_db()
    assert old.expires_at == now + timedelta(hours=1)
    with pytest.raises(WrongState, match="has ended"):
        keys.rotate_api_key(actor=Actor.person(otto), key_id=old.pk, now=now + timedelta(hours=1))


def test_a_key_without_an_end_is_rotated_into_one_without(team: Team, otto: User) -> None:
    old, _ = make_key(team, otto)
    fresh, _ = keys.rotate_api_key(actor=Actor.person(otto), key_id=old.pk, now=timezone.now())
    assert fresh.expires_at is None


def test_a_revoked_key_stops_at_its_next_call(his: Client, team: Team, otto: User) -> None:
    key, secret = make_key(team, otto)
    application = Client(headers={"authorization": f"Bearer {secret}"})
    call = f"/api/v1/calls/{uuid4()}/"
    assert application.get(call).status_code == 404
    refused = his.post(f"/keys/{key.pk}/revoke/", {"reason": " "})
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["reason"]
    assert his.post(f"/keys/{key.pk}/revoke/", {"reason": "It leaked"}).status_code == 302
    answer = application.get(call)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    body = {"model": key.use_case_slug, "messages": [{"role": "user", "content": "x"}]}
    assert application.post("/v1/chat/completions", body, "application/json").status_code == 401
    assert AuditEvent.objects.get(action="api_key.revoked").reason == "It leaked"
    assert his.post(f"/keys/{key.pk}/revoke/", {"reason": "x"}).status_code == 409
    assert his.post(f"/keys/{key.pk}/rotate/").status_code == 409


def test_the_service_wants_a_reason_too(team: Team, otto: User) -> None:
    key, _ = make_key(team, otto)
    with pytest.raises(Invalid):
        keys.revoke_api_key(actor=Actor.person(otto), key_id=key.pk, reason="", now=timezone.now())
    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_list_shows_state_use_and_end(his: Client, team: Team, otto: User) -> None:
    now = timezone.now()
    live, secret = make_key(team, otto, name="Live one")
    authenticate_key(secret, now)
    past = now - timedelta(days=9)
    make_key(team, otto, name="Expired one", now=past, expires_at=past + timedelta(days=1))
    ended, _ = make_key(team, otto, name="Revoked one")
    keys.revoke_api_key(actor=Actor.person(otto), key_id=ended.pk, reason="x", now=now)
    page = his.get("/keys/")
    states = {key.name: state for key, state in page.context["rows"]}
    assert states == {"Live one": "live", "Expired one": "expired", "Revoked one": "revoked"}
    content = page.content.decode()
    assert f"/keys/{live.pk}/revoke/" in content
    assert f"/keys/{ended.pk}/revoke/" not in content


def test_keys_of_other_teams_are_not_there(his: Client) -> None:
    other = make_team()
    key, _ = make_key(other, make_person("owner", other))
    for path in ("", "rotate/", "revoke/"):
        method = his.post if path else his.get
        assert method(f"/keys/{key.pk}/{path}").status_code == 404
    assert his.get("/keys/").context["rows"] == []


def test_the_list_asks_as_much_for_three_as_for_one(his: Client, team: Team, otto: User) -> None:
    assert_constant(his, "/keys/", lambda: make_key(team, otto))


def test_the_form_asks_as_much_for_three_use_cases_as_for_one(his: Client, team: Team) -> None:
    assert_constant(his, "/keys/new/", lambda: make_use_case(team))
