"""People, teams, grants and keys over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import ApiKey, Grant, Organisation, Team, User
from governance.access.selectors import authenticate_key
from governance.audit.models import AuditEvent
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.governance.access.conftest import assert_constant, signed_in
from tests.governance.access.test_keys import make_key

pytestmark = pytest.mark.django_db
JSON = "application/json"
API = "/api/v1"


def test_people_are_added_read_deactivated_and_reactivated(admin: Client) -> None:
    asked = {"email": "nia@placet.example", "name": "Nia"}
    made = admin.post(f"{API}/people/", asked, JSON)
    assert made.status_code == 201
    nia = f"{API}/people/{made.json()['id']}/"
    assert "password" not in made.json()
    assert admin.get(nia).json() == made.json()
    off = admin.post(f"{nia}deactivate/", {"reason": "Left"}, JSON)
    assert (off.status_code, off.json()["is_active"]) == (200, False)
    again = admin.post(f"{nia}deactivate/", {}, JSON)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert admin.post(f"{nia}reactivate/", {}, JSON).json()["is_active"] is True
    assert AuditEvent.objects.get(action="user.deactivated").reason == "Left"


def test_a_refused_person_comes_as_problem_details(admin: Client, ada: User) -> None:
    answer = admin.post(f"{API}/people/", {"email": ada.email, "name": "Twin"}, JSON)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"] == {"email": ["Somebody has this address already."]}
    answer = admin.post(f"{API}/people/", {"email": "x"}, JSON)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["name"])
    assert admin.get(f"{API}/people/999999/").json()["code"] == "not_found"


def test_teams_are_created_renamed_and_moved(admin: Client) -> None:
    made = admin.post(f"{API}/teams/", {"name": "Law & Order", "code": "L"}, JSON)
    assert (made.status_code, made.json()["slug"]) == (201, "law-order")
    make_team("above")
    url = f"{API}/teams/law-order/"
    moved = admin.patch(url, {"parent": "above", "code": "OTHER"}, JSON)
    assert moved.json() == made.json() | {"parent": "above"}
    named = admin.patch(url, {"name": "Law"}, JSON).json()
    assert (named["name"], named["parent"]) == ("Law", "above")
    assert admin.patch(url, {"parent": None}, JSON).json()["parent"] is None
    ring = admin.patch(url, {"parent": "law-order"}, JSON)
    assert (ring.status_code, list(ring.json()["errors"])) == (400, ["parent"])
    taken = admin.post(f"{API}/teams/", {"name": "Other", "code": "L"}, JSON)
    assert list(taken.json()["errors"]) == ["code"]
    assert admin.get(f"{API}/teams/none/").status_code == 404


def test_roles_are_granted_listed_and_revoked(admin: Client) -> None:
    pia, team = make_person(), make_team("legal")
    ends_at = (timezone.now() + timedelta(days=3)).isoformat()
    asked = {
        "person": pia.pk,
        "role": "owner",
        "scope_kind": "team",
        "scope_id": team.pk,
        "ends_at": ends_at,
        "reason": "Stands in",
    }
    made = admin.post(f"{API}/grants/", asked, JSON)
    assert made.status_code == 201
    assert made.json()["scope_name"] == "Legal"
    assert AuditEvent.objects.get(action="role.granted").reason == "Stands in"
    assert admin.post(f"{API}/grants/", asked, JSON).status_code == 409
    url = f"{API}/grants/{made.json()['id']}/"
    assert admin.delete(f"{url}?reason=Back").status_code == 204
    assert AuditEvent.objects.get(action="role.revoked").reason == "Back"
    listed = admin.get(f"{API}/grants/?person={pia.pk}").json()["results"]
    assert [(one["id"], one["state"]) for one in listed] == [(made.json()["id"], "revoked")]
    assert admin.delete(url).status_code == 409
    assert admin.delete(f"{API}/grants/999999/").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"role": "king"}, "role"),
        ({"scope_kind": "planet"}, "scope_kind"),
        ({"scope_kind": "team"}, "scope_id"),
        ({"scope_kind": "team", "scope_id": 999999}, "scope_id"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"reason": ""}, "reason"),
        ({"person": 999999}, "person"),
    ],
)
def test_a_grant_that_does_not_fit_names_its_field(
    admin: Client, changed: dict[str, Any], field: str
) -> None:
    asked = {"person": make_person().pk, "role": "owner", "reason": "x"} | changed
    answer = admin.post(f"{API}/grants/", asked, JSON)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_a_grant_without_a_scope_is_on_the_organisation(admin: Client) -> None:
    asked = {"person": make_person().pk, "role": "finance", "reason": "x"}
    made = admin.post(f"{API}/grants/", asked, JSON).json()
    assert (made["scope_kind"], made["scope_id"]) == ("organisation", Organisation.objects.get().pk)
    assert admin.get(f"{API}/grants/?person=x").status_code == 400


def test_the_last_administrator_stays(admin: Client, ada: User) -> None:
    answer = admin.delete(f"{API}/grants/{ada.grants.get().pk}/")
    assert answer.status_code == 409
    assert "nobody would be left to manage people" in answer.json()["title"]
    assert Grant.objects.get(user=ada).revoked_at is None


def test_keys_are_made_once_rotated_and_revoked() -> None:
    team = make_team("legal")
    his, use_case = signed_in(make_person("owner", team)), make_use_case(team)
    asked = {"use_case": use_case.slug, "name": "Intake", "requests_per_minute": 5}
    made = his.post(f"{API}/keys/", asked, JSON)
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    key = authenticate_key(made.json()["secret"], timezone.now())
    assert (key.scopes, key.requests_per_minute) == (["calls:create", "calls:read"], 5)
    url = f"{API}/keys/{key.pk}/"
    assert "secret" not in his.get(url).json()
    assert "secret" not in his.get(f"{API}/keys/").json()["results"][0]
    fresh = his.post(f"{url}rotate/")
    assert (fresh.status_code, fresh["Cache-Control"]) == (201, "no-store")
    assert fresh.json()["replaces"] == key.pk
    assert his.post(f"{url}rotate/").status_code == 409
    assert list(his.post(f"{url}revoke/", {}, JSON).json()["errors"]) == ["reason"]
    ended = his.post(f"{url}revoke/", {"reason": "Leaked"}, JSON)
    assert (ended.status_code, ended.json()["state"]) == (200, "revoked")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"use_case": "none"}, "use_case"),
        ({"scopes": ["all"]}, "scopes"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": ""}, "name"),
    ],
)
def test_a_key_that_does_not_fit_names_its_field(
    admin: Client, changed: dict[str, Any], field: str
) -> None:
    asked = {"use_case": make_use_case().slug, "name": "Intake"} | changed
    answer = admin.post(f"{API}/keys/", asked, JSON)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not ApiKey.objects.exists()


def test_who_may_not() -> None:
    team = make_team("legal")
    otto = make_person("owner", team)
    key, secret = make_key(team, otto)
    his, cora = signed_in(otto), signed_in(make_person("compliance"))
    program = Client(headers={"authorization": f"Bearer {secret}"})
    for path in ("people", "teams", "grants"):
        assert his.get(f"{API}/{path}/").status_code == 403
        assert cora.get(f"{API}/{path}/").status_code == 200
        assert cora.post(f"{API}/{path}/", {}, JSON).status_code == 403
        assert Client().get(f"{API}/{path}/").status_code == 401
    for path in ("people", "keys"):
        assert program.get(f"{API}/{path}/").status_code == 403
    assert cora.get(f"{API}/keys/").status_code == 403
    assert cora.patch(f"{API}/teams/legal/", {"name": "x"}, JSON).status_code == 403
    assert cora.delete(f"{API}/grants/{otto.grants.get().pk}/").status_code == 403
    stranger = signed_in(make_person("owner", make_team()))
    assert stranger.get(f"{API}/keys/{key.pk}/").status_code == 404
    assert stranger.post(f"{API}/keys/{key.pk}/rotate/").status_code == 404
    assert stranger.post(f"{API}/keys/{key.pk}/revoke/", {"reason": "x"}, JSON).status_code == 404


def _team_in_a_team() -> None:
    Team.objects.filter(pk=make_team().pk).update(parent=make_team("above"))


def _key() -> None:
    team = make_team()
    make_key(team, make_person("owner", team))


@pytest.mark.parametrize(
    ("path", "add_one"),
    [
        ("people", make_person),
        ("teams", _team_in_a_team),
        ("grants", lambda: make_person("owner", make_team())),
        ("keys", _key),
    ],
)
def test_a_list_asks_as_much_for_three_as_for_one(
    admin: Client, path: str, add_one: Callable[[], object]
) -> None:
    if path == "teams":
        make_team("above")
    assert_constant(admin, f"{API}/{path}/", add_one)


def test_lists_come_in_pages(admin: Client) -> None:
    for _ in range(3):
        make_person()
    first = admin.get(f"{API}/people/?page_size=2").json()
    second = admin.get(first["next"]).json()
    ids = [one["id"] for one in first["results"] + second["results"]]
    assert ids == sorted(User.objects.values_list("pk", flat=True), reverse=True)
