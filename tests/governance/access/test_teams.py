"""Teams as pages: create, rename, move, members and keys."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from governance.access import services
from governance.access.models import Team
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from tests.factories.ledger import make_person, make_team
from tests.governance.access.conftest import assert_constant, signed_in
from tests.governance.access.test_keys import make_key

pytestmark = pytest.mark.django_db


def test_a_team_is_created_with_a_short_name_from_its_name(admin: Client) -> None:
    above = make_team("above")
    asked = {"name": "Claims & Letters", "code": "CC-7", "parent": above.pk}
    made = admin.post("/people/add-team/", asked)
    assert made["Location"] == "/teams/claims-letters/"
    team = Team.objects.get(code="CC-7")
    assert (team.slug, team.parent) == ("claims-letters", above)
    event = AuditEvent.objects.get(action="team.created")
    assert event.after == {"name": "Claims & Letters", "code": "CC-7", "parent": "above"}


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"slug": "legal"}, "slug", "Another team has the short name legal."),
        ({"name": "Legal"}, "slug", "Another team has the short name legal."),
        ({"name": "法務"}, "slug", "Give a short name"),
        ({"slug": "not fine"}, "slug", "valid"),
        ({"code": "LEGAL"}, "code", "Another team has the cost code LEGAL."),
        ({"code": ""}, "code", "required"),
    ],
)
def test_a_refused_team_is_told_beside_the_field(
    admin: Client, changed: dict[str, str], field: str, sentence: str
) -> None:
    make_team("legal")
    page = admin.post("/people/add-team/", {"name": "Kept", "code": "CC-9"} | changed)
    assert page.status_code == 422
    form = page.context["team_form"]
    assert list(form.errors) == [field]
    assert sentence in str(form.errors[field])
    assert (changed.get("name") or "Kept") in page.content.decode()
    assert Team.objects.count() == 1


def test_a_team_is_renamed_and_moved_and_keeps_its_code(admin: Client) -> None:
    team, above = make_team("legal"), make_team("above")
    asked = {"name": "Law", "parent": above.pk, "code": "OTHER", "slug": "other"}
    assert admin.post("/teams/legal/edit/", asked)["Location"] == "/teams/legal/"
    team.refresh_from_db()
    assert (team.name, team.parent, team.code, team.slug) == ("Law", above, "LEGAL", "legal")
    event = AuditEvent.objects.get(action="team.changed")
    assert event.before == {"name": "Legal", "parent": None}
    assert event.after == {"name": "Law", "parent": "above"}
    admin.post("/teams/legal/edit/", asked)
    assert AuditEvent.objects.filter(action="team.changed").count() == 1


def test_teams_are_listed_by_name_with_their_keys(admin: Client) -> None:
    last, first = make_team("zebra"), make_team("alpha")
    make_key(last, make_person("owner", last))
    listed = admin.get("/people/").context["teams"]
    assert [(one.pk, one.key_count) for one in listed] == [(first.pk, 0), (last.pk, 1)]


def test_a_team_cannot_stand_under_itself(admin: Client) -> None:
    top, low = make_team("top"), make_team("low")
    Team.objects.filter(pk=low.pk).update(parent=top)
    for parent in (top, low):
        page = admin.post("/teams/top/edit/", {"name": "Kept words", "parent": parent.pk})
        assert page.status_code == 422
        assert "stands under it" in str(page.context["form"].errors["parent"])
        assert "Kept words" in page.content.decode()
    top.refresh_from_db()
    assert top.parent is None


def test_its_page_shows_members_and_to_whom_it_concerns_keys(admin: Client) -> None:
    team = make_team("legal")
    otto = make_person("owner", team)
    key, _ = make_key(team, otto)
    page = admin.get("/teams/legal/").content.decode()
    assert otto.name in page
    assert key.prefix in page
    seen = signed_in(make_person("compliance")).get("/teams/legal/").content.decode()
    assert otto.name in seen
    assert key.prefix not in seen
    assert signed_in(make_person("board")).get("/teams/legal/").status_code == 403
    assert admin.get("/teams/none/").status_code == 404


def test_only_an_administrator_changes_it() -> None:
    make_team("legal")
    cora = signed_in(make_person("compliance"))
    assert cora.post("/teams/legal/edit/", {"name": "Law"}).status_code == 403
    assert Team.objects.get().name == "Legal"


def test_its_page_asks_as_much_for_three_as_for_one(admin: Client) -> None:
    team = make_team("legal")

    def add() -> None:
        otto = make_person("owner", team)
        make_key(team, otto)
        child = make_team()
        services.change_team(
            actor=Actor.system("tests"), team_id=child.pk, parent=team, now=timezone.now()
        )

    assert_constant(admin, "/teams/legal/", add)
