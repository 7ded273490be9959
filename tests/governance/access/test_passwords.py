"""Passwords: changed, given by an administrator, and by a mailed code; each in the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.access.passwords import give_password
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.ledger import make_person
from tests.factories.mail import PostOffice, code_in, post_office
from tests.governance.access.conftest import signed_in

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
FRESH = "another-long-one"


@pytest.fixture
def pia() -> User:
    return make_person()


@pytest.fixture
def keeper() -> User:
    return make_person("administrator")


def actions(user: User) -> list[str]:
    events = AuditEvent.objects.filter(subject_type="access.User", subject_id=str(user.pk))
    return list(events.filter(action__contains="password").values_list("action", flat=True))


def test_a_change_of_ones_own_is_written_down(pia: User) -> None:
    asked = {"oldpassword": "x" * 12, "password1": FRESH, "password2": FRESH}
    hers, elsewhere = signed_in(pia), signed_in(pia)
    assert hers.post(reverse("account_change_password"), asked).status_code == 302
    assert actions(pia) == ["user.password_changed"]
    assert FRESH not in str(AuditEvent.objects.values())
    # She stays signed in here, and nowhere else.
    assert hers.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def test_an_administrator_gives_a_new_one(pia: User, keeper: User) -> None:
    hers, page = signed_in(pia), reverse("access:give-password", args=[pia.pk])
    client = signed_in(keeper)
    assert page in client.get(reverse("access:person", args=[pia.pk])).content.decode()
    assert client.get(page).status_code == 200
    weak = client.post(page, {"password": "short", "reason": "Called by video"})
    assert weak.status_code == 422
    assert b"Called by video" in weak.content
    assert b"short" not in weak.content.replace(b"too short", b"").replace(b"Short", b"")
    assert client.post(page, {"password": FRESH, "reason": "Called by video"}).status_code == 302
    pia.refresh_from_db()
    assert pia.check_password(FRESH)
    assert hers.get("/account/").status_code == 302
    event = AuditEvent.objects.get(action="user.password_given")
    assert (event.actor_id, event.reason) == (str(keeper.pk), "Called by video")
    assert FRESH not in str(AuditEvent.objects.values())


def test_by_api(pia: User, keeper: User) -> None:
    url = f"/api/v1/people/{pia.pk}/password/"
    client = signed_in(keeper)
    refused = client.post(url, {"password": "short"}, "application/json")
    assert refused.status_code == 400
    assert "password" in refused.json()["errors"]
    assert client.post(url, {"password": FRESH}, "application/json").json()["id"] == pia.pk
    pia.refresh_from_db()
    assert pia.check_password(FRESH)


def test_not_to_oneself_nor_to_who_is_gone_nor_a_weak_one(pia: User, keeper: User) -> None:
    now, actor = timezone.now(), Actor.person(keeper)
    with pytest.raises(WrongState, match="your own"):
        give_password(actor=actor, user=keeper, password=FRESH, now=now)
    with pytest.raises(Invalid, match="stays as it was"):
        give_password(actor=actor, user=pia, password=pia.email, now=now)
    with pytest.raises(NotAllowed):
        give_password(actor=Actor.person(pia), user=keeper, password=FRESH, now=now)
    User.objects.filter(pk=pia.pk).update(is_active=False)
    with pytest.raises(WrongState, match="deactivated"):
        give_password(actor=actor, user=pia, password=FRESH, now=now)
    assert not actions(pia)


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> None:
    """How often each asked is counted in the cache."""
    cache.clear()


@pytest.fixture
def post(settings: Any) -> Any:
    with post_office() as office:
        settings.PLACET_MAIL_URL = office.url
        yield office


def test_by_a_mailed_code_that_holds_once(
    pia: User, post: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    assert RESET in client.get("/accounts/login/").content.decode()
    assert b"Mail me a code" in client.get(RESET).content
    sent = client.post(RESET, {"email": pia.email.upper()}, follow=True)
    assert b"is on its way" in sent.content
    [(to, mail)] = post.got
    assert to == pia.email
    code = code_in(mail)
    assert code not in sent.content.decode()
    confirm = f"{RESET}confirm/"
    wrong = client.post(confirm, {"code": "AAAA-AAAA"})
    assert b"After three wrong ones" in wrong.content
    form = client.post(confirm, {"code": code}, follow=True)
    assert b"Choose a new password" in form.content
    complete = f"{RESET}complete/"
    assert client.post(complete, {"password1": "short", "password2": "short"}).status_code == 200
    pia.refresh_from_db()
    assert pia.check_password("x" * 12)
    done = client.post(complete, {"password1": FRESH, "password2": FRESH}, follow=True)
    assert b"Your password is changed" in done.content
    pia.refresh_from_db()
    assert pia.check_password(FRESH)
    assert actions(pia) == ["user.password_reset"]
    # Neither the code nor the password stands in any address, and so in no line of the log.
    assert code not in caplog.text
    assert FRESH not in caplog.text
    assert client.post(confirm, {"code": code})["Location"] == "/accounts/login/"


def test_a_code_is_of_no_use_elsewhere_and_after_three_wrong_ones(
    pia: User, post: PostOffice
) -> None:
    client, confirm = Client(), f"{RESET}confirm/"
    client.post(RESET, {"email": pia.email})
    [(_, mail)] = post.got
    assert Client().post(confirm, {"code": code_in(mail)})["Location"] == "/accounts/login/"
    for _ in range(2):
        assert client.post(confirm, {"code": "AAAA-AAAA"}).status_code == 200
    ended = client.post(confirm, {"code": "AAAA-AAAA"}, follow=True)
    assert b"Too many" in ended.content
    assert client.post(confirm, {"code": code_in(mail)})["Location"] == "/accounts/login/"
    assert client.get(f"{RESET}complete/")["Location"] == RESET
    assert not actions(pia)


def test_who_asks_too_often_is_told_to_wait(pia: User, post: PostOffice) -> None:
    replies = [Client().post(RESET, {"email": pia.email}) for _ in range(6)]
    assert [one.status_code for one in replies] == [302] * 5 + [429]
    assert b"Wait a minute" in replies[-1].content
    assert len(post.got) == 5


@pytest.mark.parametrize("who", ["nobody@placet.example", "gone"])
def test_a_stranger_and_who_is_gone_hear_the_same_and_get_no_mail(
    pia: User, post: PostOffice, who: str
) -> None:
    User.objects.filter(pk=pia.pk).update(is_active=False)
    email = pia.email if who == "gone" else who
    sent = Client().post(RESET, {"email": email}, follow=True)
    assert b"is on its way" in sent.content
    assert post.got == []


def test_a_mail_that_fails_says_no_more_than_one_that_goes(pia: User, settings: Any) -> None:
    settings.PLACET_MAIL_URL = "smtp://127.0.0.1:9?from=placet@placet.example"
    sent = Client().post(RESET, {"email": pia.email}, follow=True)
    assert sent.status_code == 200
    assert b"is on its way" in sent.content


def test_without_mail_the_page_says_whom_to_ask(settings: Any) -> None:
    settings.PLACET_MAIL_URL = ""
    page = Client().get(RESET).content
    assert b"Ask an administrator" in page
    assert b'<input type="email"' not in page


@pytest.mark.parametrize("address", ["email", "confirm-email", "password/set", "reauthenticate"])
def test_pages_of_the_library_that_nobody_needs_lead_to_the_account(
    pia: User, address: str
) -> None:
    assert signed_in(pia).get(f"/accounts/{address}/")["Location"] == "/account/"
