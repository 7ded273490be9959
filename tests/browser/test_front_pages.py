"""Who is not signed in: a forgotten password is replaced by a mailed code, and each page passes axe."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Page

from governance.access.models import User
from tests.browser.test_tours import assert_accessible
from tests.factories.ledger import make_person
from tests.factories.mail import code_in, post_office

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FRESH = "words that nobody guesses"


def test_a_forgotten_password(page: Page, live_server: Any, settings: Any) -> None:
    cache.clear()
    pia: User = make_person()
    with post_office() as office:
        settings.PLACET_MAIL_URL = office.url
        page.goto(f"{live_server.url}/accounts/login/")
        assert_accessible(page)
        page.goto(f"{live_server.url}/accounts/password/reset/")
        assert_accessible(page)
        page.fill("#id_email", pia.email)
        page.get_by_role("button", name="Mail me a code").click()
        page.wait_for_url("**/confirm/")
        page.fill("#id_code", "AAAA-AAAA")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("alert").wait_for()
        assert_accessible(page)
        [(_, mail)] = office.got
    page.fill("#id_code", code_in(mail).lower())
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/complete/")
    assert_accessible(page)
    page.fill("#id_password1", FRESH)
    page.fill("#id_password2", FRESH)
    page.get_by_role("button", name="Use it from now on").click()
    page.wait_for_url("**/done/")
    assert_accessible(page)
    page.get_by_role("link", name="Sign in").click()
    page.fill("#id_login", pia.email)
    page.fill("#id_password", FRESH)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{live_server.url}/")


def test_who_tries_too_often_reads_a_page(page: Page, live_server: Any, settings: Any) -> None:
    cache.clear()
    with post_office() as office:
        settings.PLACET_MAIL_URL = office.url
        for _ in range(6):
            page.goto(f"{live_server.url}/accounts/password/reset/")
            page.fill("#id_email", "nobody@placet.example")
            page.get_by_role("button", name="Mail me a code").click()
            page.wait_for_load_state()
    page.get_by_role("heading", name="Too many tries").wait_for()
    assert_accessible(page)
