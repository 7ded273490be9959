"""What happened to calls, as people see it: the list that follows live, a call, a level, a try."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from governance.access.models import User
from governance.kernel.authority import Actor
from telemetry.alerts import levels
from telemetry.alerts.level_checks import check_level
from tests.browser.test_tours import assert_accessible
from tests.factories.ledger import make_deployment, make_person, make_settled, make_use_case
from tests.factories.organisation import provider, world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FINDING = {"code": "prompt_injection", "stage": "screen input", "detail": "rule ignore_previous"}


def sign_in(page: Page, live_server: Any, person: User, password: str) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("#id_login", person.email)
    page.fill("#id_password", password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_list_follows_and_rests_while_hidden(page: Page, live_server: Any) -> None:
    use_case, deployment = make_use_case(), make_deployment()
    now = timezone.now()
    make_settled(use_case, deployment=deployment, now=now)
    sign_in(page, live_server, make_person("board"), "x" * 12)
    page.goto(f"{live_server.url}/calls/?use_case={use_case.slug}")
    page.get_by_role("link", name="Follow live").click()
    assert "live=1" in page.url
    assert f"use_case={use_case.slug}" in page.url
    expect(page.locator("tbody tr")).to_have_count(1)
    assert_accessible(page)
    make_settled(use_case, deployment=deployment, now=now, findings=[FINDING], outcome="hold")
    expect(page.locator("tbody tr")).to_have_count(2, timeout=15_000)
    expect(page.get_by_text("1 finding")).to_be_visible()
    rests = """() => {
        const asks = document.querySelector("[data-live]");
        const event = new CustomEvent("htmx:beforeRequest",
            {bubbles: true, cancelable: true, detail: {elt: asks}});
        asks.dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert not page.evaluate(rests)
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    assert page.evaluate(rests)
    page.get_by_role("link", name="Stop").click()
    expect(page.locator("[data-live]")).to_have_count(0)
    page.get_by_text("More filters").click()
    page.get_by_label("Finding").fill("prompt_injection")
    page.get_by_label("Finding").press("Tab")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "finding=prompt_injection" in page.url
    assert_accessible(page)


def test_a_call_shows_its_way(page: Page, live_server: Any) -> None:
    attempts = [
        {"number": 1, "deployment": "a", "outcome": "timeout", "started_ms": 3, "took_ms": 40},
        {"number": 2, "deployment": "b", "outcome": "answered", "started_ms": 43, "took_ms": 9},
    ]
    trail = [
        {"stage": "admit", "started_ms": 0, "took_ms": 2, "outcome": "passed", "note": ""},
        {
            "stage": "invoke",
            "started_ms": 2,
            "took_ms": 50,
            "outcome": "passed",
            "note": "B answered",
            "attempts": attempts,
        },
    ]
    call = make_settled(
        stage_trail=trail,
        findings=[FINDING],
        redactions={"EMAIL_ADDRESS": 2},
        price_snapshot={"input": "2.5", "output": "10", "per_call": "0", "currency": "USD"},
        amount="0.00035",
    )
    sign_in(page, live_server, make_person("board"), "x" * 12)
    page.goto(f"{live_server.url}/calls/{call.pk}/")
    expect(page.get_by_role("region", name="Attempts")).to_contain_text("timeout")
    expect(page.get_by_role("region", name="Redactions and findings")).to_contain_text("2 × EMAIL")
    assert_accessible(page)
    page.get_by_role("link", name="prompt_injection").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_level_that_burns_shows_its_budget(page: Page, live_server: Any) -> None:
    use_case, deployment, now = make_use_case(), make_deployment(), timezone.now()
    owner = make_person("owner", use_case.team)
    for outcome in ("deliver", "deliver", "fail"):
        make_settled(use_case, deployment=deployment, now=now, outcome=outcome)
    sign_in(page, live_server, owner, "x" * 12)
    page.goto(f"{live_server.url}/service-levels/new/")
    assert_accessible(page)
    level = levels.set_level(
        actor=Actor.person(owner),
        use_case=use_case,
        indicator="errors",
        objective=Decimal(99),
        minimum_events=2,
        now=now,
    )
    check_level(level_id=level.pk, now=timezone.now())
    page.goto(f"{live_server.url}/service-levels/")
    assert_accessible(page)
    page.get_by_role("link", name="errors").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    expect(page.get_by_role("table").last).to_contain_text("burning")
    assert_accessible(page)


def test_a_developer_tries_a_call(page: Page, live_server: Any, settings: Any) -> None:
    here = world()
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        engineer = here.people.users["prompt_engineer"]
        engineer.set_password("y" * 12)
        engineer.save()
        sign_in(page, live_server, engineer, "y" * 12)
        page.goto(f"{live_server.url}/try/")
        assert_accessible(page)
        page.get_by_label("licence text").fill("MIT License")
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.get_by_text("Held: a person must look at it first.")).to_be_visible()
    expect(page.get_by_label("curl")).to_contain_text("MIT License")
    expect(page.get_by_text("x-call-state")).to_be_visible()
    assert_accessible(page)
