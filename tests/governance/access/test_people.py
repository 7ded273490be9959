"""People and their roles as pages: add, grant, revoke, deactivate, reactivate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.access import services
from governance.access.models import Grant, Team, User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import WrongState
from tests.factories.ledger import make_person, make_team
from tests.governance.access.conftest import assert_constant, signed_in

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("tests")


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("at", "id").values_list("action", flat=True))


def give(user: User, role: str, team: Team, **facts: object) -> Grant:
    return services.grant_role(
        actor=SYSTEM,
        user=user,
        role=role,
        scope=team,
        now=timezone.now(),
        **facts,  # type: ignore[arg-type]
    )


def test_somebody_is_added_and_sees_nothing_yet(admin: Client) -> None:
    asked = {"name": "Nia New", "email": "Nia@Placet.example", "password": "a-long-first-one"}
    made = admin.post("/people/add/", asked)
    nia = User.objects.get(email="nia@placet.example")
    assert made["Location"] == f"/people/{nia.pk}/"
    assert nia.check_password("a-long-first-one")
    assert actions() == ["user.created"]
    assert b"sign in and see nothing" in admin.get(made["Location"]).content


@pytest.mark.parametrize(
    ("asked", "field", "sentence"),
    [
        ({"email": "no address"}, "email", "valid email"),
        ({"email": "gone@placet.example"}, "email", "reactivate them instead"),
        ({"email": "HERE@placet.example"}, "email", "somebody has this address"),
        ({"password": "short"}, "password", "too short"),
        ({"name": " "}, "name", "required"),
    ],
)
def test_a_refused_person_is_told_beside_the_field(
    admin: Client, asked: dict[str, str], field: str, sentence: str
) -> None:
    User.objects.create_user("gone@placet.example", "Gone")
    User.objects.filter(name="Gone").update(is_active=False)
    User.objects.create_user("here@placet.example", "Here")
    whole = {"name": "Kept Name", "email": "kept@placet.example"} | asked
    page = admin.post("/people/add/", whole)
    assert page.status_code == 422
    form = page.context["person_form"]
    assert list(form.errors) == [field]
    assert sentence.lower() in str(form.errors[field]).lower()
    kept = "kept@placet.example" if field != "email" else "Kept Name"
    assert kept in page.content.decode()
    assert actions() == []


def test_a_role_is_granted_in_two_steps_with_an_end_and_a_reason(admin: Client, ada: User) -> None:
    pia, team = make_person(), make_team("legal")
    assert b"?role=owner" in admin.get(f"/people/{pia.pk}/grant/").content
    url = f"/people/{pia.pk}/grant/?role=owner"
    assert b"Legal" in admin.get(url).content
    until = (timezone.now() + timedelta(days=30)).date()
    asked = {"role": "owner", "scope": f"team:{team.pk}", "ends_at": f"{until}", "reason": "Leave"}
    assert admin.post(url, asked).status_code == 302
    grant = Grant.objects.get(user=pia)
    # The day ends where the administrator is (Europe/Amsterdam).
    assert grant.ends_at is not None
    assert timezone.localtime(grant.ends_at).date() == until
    assert pia.may(Permission.USE_CASE_MANAGE, team)
    event = AuditEvent.objects.get(action="role.granted")
    assert (event.reason, event.actor_id, event.team_id) == ("Leave", str(ada.pk), team.pk)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"scope": "organisation:999999"}, "scope"),
        ({"scope": ""}, "scope"),
        ({"ends_at": "2020-01-01"}, "ends_at"),
        ({"ends_at": "9999-12-31"}, "ends_at"),
        ({"ends_at": "soon"}, "ends_at"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_refused_grant_keeps_what_was_typed(
    admin: Client, changed: dict[str, str], field: str
) -> None:
    pia, team = make_person(), make_team("legal")
    asked = {"role": "owner", "scope": f"team:{team.pk}", "ends_at": "", "reason": "Kept words"}
    page = admin.post(f"/people/{pia.pk}/grant/", asked | changed)
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    if field != "reason":
        assert "Kept words" in page.content.decode()
    assert not Grant.objects.filter(user=pia).exists()


def test_a_role_of_the_organisation_is_not_offered_on_teams(admin: Client) -> None:
    pia, team = make_person(), make_team("legal")
    page = admin.get(f"/people/{pia.pk}/grant/?role=finance").content.decode()
    assert f"team:{team.pk}" not in page
    asked = {"role": "finance", "scope": f"team:{team.pk}", "reason": "x"}
    assert admin.post(f"/people/{pia.pk}/grant/", asked).status_code == 422


def test_every_team_is_offered_however_many_there_are(admin: Client) -> None:
    Team.objects.bulk_create(
        Team(name=f"T{one:03}", slug=f"t{one}", code=f"T{one}") for one in range(230)
    )
    last = Team.objects.get(slug="t229")
    page = admin.get(f"/people/{make_person().pk}/grant/?role=owner").content.decode()
    assert f"team:{last.pk}" in page


def test_a_role_that_ran_out_can_be_granted_again(admin: Client) -> None:
    pia, team, now = make_person(), make_team("legal"), timezone.now()
    first = give(pia, "owner", team, ends_at=now + timedelta(days=1))
    later = now + timedelta(days=2)
    services.grant_role(actor=SYSTEM, user=pia, role="owner", scope=team, now=later)
    first.refresh_from_db()
    assert first.state_at(later) == "expired"
    assert Grant.objects.live(later).filter(user=pia).count() == 1
    with pytest.raises(WrongState, match="holds this role there already"):
        services.grant_role(actor=SYSTEM, user=pia, role="owner", scope=team, now=later)


def test_what_ran_out_is_closed_and_forgotten_by_guardian_too() -> None:
    pia, team, now = make_person(), make_team("legal"), timezone.now()
    give(pia, "owner", team, ends_at=now + timedelta(days=1))
    give(pia, "prompt_engineer", team)
    later = now + timedelta(days=2)
    assert services.end_expired_grants(actor=SYSTEM, now=later) == 1
    assert services.end_expired_grants(actor=SYSTEM, now=later) == 0
    fresh = User.objects.get(pk=pia.pk)
    assert not fresh.has_perm("use_case_manage", team)
    assert fresh.has_perm("prompt_author", team)
    assert actions()[-1] == "role.ran_out"


def test_a_revoked_role_moves_to_what_was_held_before(admin: Client) -> None:
    pia, team = make_person(), make_team("legal")
    grant = give(pia, "owner", team)
    reply = admin.post(f"/people/{pia.pk}/revoke/{grant.pk}/", {"reason": "Moved on"}, follow=True)
    assert reply.context["grants"] == []
    assert [(one.pk, state) for one, state in reply.context["past"]] == [(grant.pk, "revoked")]
    assert AuditEvent.objects.get(action="role.revoked").reason == "Moved on"
    assert not User.objects.get(pk=pia.pk).may(Permission.USE_CASE_MANAGE, team)
    again = admin.post(f"/people/{pia.pk}/revoke/{grant.pk}/")
    assert again.status_code == 409


def test_a_revoked_grant_is_shown_as_past_and_an_expired_one_is_not_shown_as_held(
    admin: Client,
) -> None:
    pia, team, now = make_person(), make_team("legal"), timezone.now()
    grant = give(pia, "owner", team)
    Grant.objects.filter(pk=grant.pk).update(ends_at=now - timedelta(hours=1))
    listed = admin.get("/people/").context["page"]
    assert [one.held for one in listed if one.pk == pia.pk] == [[]]
    assert admin.get(f"/people/{pia.pk}/").context["past"] == [(grant, "expired")]


def test_a_deactivated_person_comes_back_with_their_roles(admin: Client) -> None:
    pia, team = make_person(), make_team("legal")
    give(pia, "owner", team)
    hers = signed_in(pia)
    url = f"/people/{pia.pk}/"
    admin.post(f"{url}deactivate/", {"reason": "Left"})
    assert hers.get("/account/").status_code == 302
    assert not User.objects.get(pk=pia.pk).may(Permission.USE_CASE_MANAGE, team)
    assert admin.post(f"{url}deactivate/").status_code == 409
    assert admin.get(f"{url}grant/").status_code == 404
    with pytest.raises(WrongState, match="deactivated"):
        give(User.objects.get(pk=pia.pk), "board", team)
    admin.post(f"{url}reactivate/", {"reason": "Back"})
    assert User.objects.get(pk=pia.pk).may(Permission.USE_CASE_MANAGE, team)
    assert admin.post(f"{url}reactivate/").status_code == 409
    reasons = AuditEvent.objects.filter(action__startswith="user.").values_list("action", "reason")
    assert set(reasons) == {("user.deactivated", "Left"), ("user.reactivated", "Back")}


def test_the_last_administrator_stays(admin: Client, ada: User) -> None:
    own = ada.grants.get()
    refused = admin.post(f"/people/{ada.pk}/revoke/{own.pk}/")
    assert refused.status_code == 409
    assert "nobody would be left to manage people" in refused.content.decode()
    with pytest.raises(WrongState, match="nobody would be left"):
        services.deactivate_user(actor=SYSTEM, user=ada, now=timezone.now())
    # One whose grant ends is not enough: the day it ran out, nobody could grant anything.
    brief = make_person("administrator")
    brief.grants.update(ends_at=timezone.now() + timedelta(days=5))
    assert admin.post(f"/people/{ada.pk}/revoke/{own.pk}/").status_code == 409
    # Nor is one who is deactivated.
    brief.grants.update(ends_at=None)
    User.objects.filter(pk=brief.pk).update(is_active=False)
    assert admin.post(f"/people/{ada.pk}/revoke/{own.pk}/").status_code == 409
    make_person("administrator")
    assert admin.post(f"/people/{ada.pk}/revoke/{own.pk}/").status_code == 302


def test_nobody_deactivates_themselves(admin: Client, ada: User) -> None:
    make_person("administrator")
    assert admin.post(f"/people/{ada.pk}/deactivate/").status_code == 409
    assert f"Deactivate {ada.name}" not in admin.get(f"/people/{ada.pk}/").content.decode()


def test_compliance_reads_and_changes_nothing() -> None:
    cora, pia = signed_in(make_person("compliance")), make_person()
    assert cora.get("/people/").status_code == 200
    page = cora.get(f"/people/{pia.pk}/").content.decode()
    assert "Deactivate" not in page
    assert "Grant a role" not in page
    for path in ("add/", "add-team/", f"{pia.pk}/grant/", f"{pia.pk}/deactivate/"):
        assert cora.post(f"/people/{path}", {"name": "x"}).status_code == 403
    assert actions() == []
    assert signed_in(make_person("board")).get("/people/").status_code == 403


def test_the_list_asks_as_much_for_three_as_for_one(admin: Client) -> None:
    team = make_team()
    assert_constant(admin, "/people/", lambda: make_person("owner", team))


def test_the_teams_on_it_too(admin: Client) -> None:
    parent = make_team("parent")

    def add() -> None:
        Team.objects.filter(pk=make_team().pk).update(parent=parent)

    assert_constant(admin, "/people/", add)


def test_a_person_asks_as_much_for_three_roles_as_for_one(admin: Client) -> None:
    pia = make_person()

    def add() -> None:
        give(pia, "owner", make_team())
        past = give(pia, "prompt_engineer", make_team())
        services.revoke_grant(actor=SYSTEM, grant_id=past.pk, now=timezone.now())

    assert_constant(admin, f"/people/{pia.pk}/", add)
