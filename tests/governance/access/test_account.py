"""The own account: name, zone, theme, password; and times in that zone on every page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from governance.access.models import User
from governance.audit.models import AuditEvent
from tests.factories.ledger import make_person
from tests.governance.access.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def pia() -> User:
    return make_person()


@pytest.fixture
def hers(pia: User) -> Client:
    return signed_in(pia)


def test_it_is_reached_from_the_header_of_every_page(hers: Client) -> None:
    assert f'href="{reverse("access:account")}"' in hers.get("/").content.decode()
    page = hers.get("/account/").content.decode()
    assert reverse("account_change_password") in page
    assert 'value="America/New_York"' in page


def test_name_and_zone_are_saved_and_recorded(hers: Client, pia: User) -> None:
    asked = {"name": "Pia Prompt", "time_zone": "America/New_York"}
    assert hers.post("/account/", asked).status_code == 302
    pia.refresh_from_db()
    assert (pia.name, pia.time_zone) == ("Pia Prompt", "America/New_York")
    event = AuditEvent.objects.get(action="user.changed")
    assert event.after == asked
    assert event.actor_id == event.subject_id == str(pia.pk)


def test_a_zone_off_the_list_is_refused_beside_its_field(hers: Client, pia: User) -> None:
    page = hers.post("/account/", {"name": "Kept name", "time_zone": "Mars/Olympus"})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["time_zone"]
    assert "Kept name" in page.content.decode()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("America/New_York", "18 Nov 2026, 21:30"),
        ("Asia/Tokyo", "19 Nov 2026, 11:30"),
        ("Gone/Zone", "19 Nov 2026, 02:30"),  # the tz database gave it up: UTC
    ],
)
def test_times_are_shown_in_it_with_utc_on_hover(admin: Client, zone: str, shown: str) -> None:
    User.objects.update(time_zone=zone)
    leo = make_person("owner")
    leo.grants.update(ends_at=datetime(2026, 11, 19, 2, 30, tzinfo=UTC))
    page = admin.get(f"/people/{leo.pk}/").content.decode()
    assert f'title="2026-11-19 02:30:00 UTC">{shown}</time>' in page


def test_programs_are_answered_in_utc(admin: Client, ada: User) -> None:
    User.objects.update(time_zone="Asia/Tokyo")
    assert admin.get(f"/api/v1/people/{ada.pk}/").json()["joined_at"].endswith("Z")


def test_the_password_is_changed_and_the_account_shown_again(hers: Client, pia: User) -> None:
    url = reverse("account_change_password")
    assert b"My account" in hers.get(url).content
    fresh = "another-long-one"
    asked = {"oldpassword": "x" * 12, "password1": fresh, "password2": fresh}
    assert hers.post(url, asked | {"oldpassword": "wrong"}).status_code == 200
    assert hers.post(url, asked)["Location"] == "/account/"
    pia.refresh_from_db()
    assert pia.check_password(fresh)


def test_nobody_changes_the_address_they_sign_in_with(hers: Client, pia: User) -> None:
    before = pia.email
    for action in ("action_add", "action_primary"):
        asked = {action: "", "email": "other@placet.example"}
        assert hers.post("/accounts/email/", asked)["Location"] == "/account/"
    pia.refresh_from_db()
    assert pia.email == before


def test_a_stranger_is_asked_to_sign_in() -> None:
    assert "/accounts/login/" in Client().get("/account/")["Location"]
