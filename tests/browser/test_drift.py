"""A check on demand: the page shows that it runs, and its charts when it is over, by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from telemetry.drift import checks
from tests.browser.test_tours import assert_accessible
from tests.factories.drift import fill_windows, make_monitor
from tests.factories.ledger import make_person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_result_comes_by_itself(page: Page, live_server: Any) -> None:
    monitor = make_monitor(now=timezone.now())
    fill_windows(monitor.use_case, range(200), range(500, 700), timezone.now())
    safety = make_person("safety")
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("#id_login", safety.email)
    page.fill("#id_password", "x" * 12)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{live_server.url}/drift/{monitor.pk}/")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("A check was asked for")).to_be_visible()
    assert_accessible(page)
    page.locator("#id_threshold").fill("0.33")
    checks.carry_out(check_id=monitor.checks.get().pk, now=timezone.now())
    expect(page.get_by_text("Output length has drifted").first).to_be_visible()
    expect(page.locator("#result .js-plotly-plot")).to_have_count(1)
    expect(page.locator("#result .js-plotly-plot .bars .point path").first).to_be_visible()
    expect(page.locator("#running")).not_to_have_attribute("hx-get", "")
    expect(page.locator("#id_threshold")).to_have_value("0.33")
    assert_accessible(page)
    page.goto(f"{live_server.url}/drift/")
    assert_accessible(page)
    page.goto(f"{live_server.url}/drift/new/")
    assert_accessible(page)
