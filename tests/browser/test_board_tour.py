"""The board's tour: a use case of high risk from intake to production, and what cannot wait.

The decisive steps are clicked, by the people who take them; the services only prepare what a tour
would not sit through, such as the days of a pilot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from governance.access import services as access
from governance.access.models import User
from governance.approvals.models import ChangeRequest, Condition
from governance.incidents.services import install_starting_playbooks
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment
from governance.registry import metrics
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.scoring_content import STARTING
from prompts.gateway.demo import notices
from prompts.gateway.demo import organisation as demo
from prompts.releases import services as releases
from tests.browser.test_tours import assert_accessible, sign_in
from tests.factories.organisation import World, world
from tests.factories.prompts import make_prompt, make_version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TITLE = "Answers to complaints"
SLUG = "answers-to-complaints"
Desk = Callable[[str], Page]


@pytest.fixture
def here() -> World:
    """Two of the board and two ML engineers: one of each speaks, the other ratifies."""
    made = world()
    _join(made, "board", "board 2", "Boris Board")
    _join(made, "ml_engineer", "ml_engineer 2", "Mila Model")
    return made


def _join(here: World, role: str, key: str, name: str) -> User:
    people, system, password = here.people, Actor.system("tests"), "a long enough passphrase 7"
    email = f"{key.replace(' ', '-').replace('_', '-')}@placet.example"
    person = access.create_user(
        actor=system, email=email, name=name, password=password, now=here.now
    )
    scope: Any = people.organisation if role == "board" else people.teams["legal"]
    access.grant_role(actor=system, user=person, role=role, scope=scope, now=here.now)
    people.users[key], people.passwords[key] = person, password
    return person


@pytest.fixture
def desk(chromium: Browser, live_server: Any, here: World) -> Iterator[Desk]:
    """The page of a person, signed in once, in a browser of their own."""
    pages: dict[str, Page] = {}

    def of(role: str) -> Page:
        if role not in pages:
            context = chromium.new_context(base_url=live_server.url)
            context.set_default_timeout(10_000)
            pages[role] = context.new_page()
            sign_in(pages[role], live_server.url, here, role)
        return pages[role]

    yield of
    for one in pages.values():
        one.context.close()


def decide(page: Page, outcome: str, why: str) -> None:
    page.get_by_label(outcome, exact=True).check()
    page.locator("#rationale").fill(why)
    page.get_by_role("button", name="Decide").click()


def test_a_use_case_of_high_risk_goes_from_intake_to_production(desk: Desk, here: World) -> None:
    owner = desk("owner")
    _intake(owner)
    use_case = UseCase.objects.get(slug=SLUG)
    assert use_case.tier == "high"

    _reach_the_end_of_a_pilot(here, use_case)
    owner.goto(f"/use-cases/{SLUG}/")
    assert_accessible(owner)
    owner.get_by_label("Why production").fill("The pilot answered nine in ten rightly.")
    owner.get_by_role("button", name="Propose production").click()
    owner.wait_for_url("**/changes/*/")
    change = ChangeRequest.objects.get(subject_id=use_case.pk, proposal__target="production")
    address = f"/changes/{change.pk}/"

    board = desk("board")
    board.goto("/")
    board.get_by_role("link", name=change.title).first.click()
    board.get_by_label("request changes", exact=True).check()
    board.get_by_text("Points to change").click()
    board.get_by_label("What shall change").fill("Say who reads the answers at the weekend.")
    board.get_by_role("button", name="Decide").click()
    assert board.get_by_role("heading", name="Points to change 1 open").is_visible()
    assert_accessible(board)

    owner.goto(address)
    owner.locator("[id^=point-] summary").click()
    owner.get_by_label("What was done").fill("Customer support has a rota, also at weekends.")
    owner.get_by_role("button", name="Mark as resolved").click()
    owner.get_by_text("Revise or withdraw").click()
    owner.get_by_role("button", name="Open a new revision").click()
    assert owner.get_by_text("revision 2").first.is_visible()
    assert_accessible(owner)

    board.goto(address)
    board.get_by_text("A condition", exact=True).click()
    board.get_by_label("What must be true").fill("Read a hundred answers after a month.")
    board.get_by_label("Owner", exact=True).select_option(label="Otto Owner")
    day = (here.now + timedelta(days=30)).date().isoformat()
    board.get_by_label("By", exact=True).fill(day)
    decide(board, "approve with conditions", "The rota answers what was open.")
    assert board.get_by_text("signed by Bea Board").is_visible()

    for role, name in (("safety", "Sam Safety"), ("compliance", "Cora Compliance")):
        desk(role).goto(address)
        decide(desk(role), "approve", "Read, with its evidence.")
        assert desk(role).get_by_text(f"signed by {name}").is_visible()
    use_case.refresh_from_db()
    assert use_case.stage == "pilot"
    change.refresh_from_db()
    demo.sign(here.people, change, timezone.now())

    board.goto(f"/use-cases/{SLUG}/")
    assert board.locator(".head").get_by_text("production").is_visible()
    assert_accessible(board)
    board.goto("/approvals/conditions/")
    assert board.get_by_text("Read a hundred answers after a month.").is_visible()
    assert_accessible(board)
    assert Condition.objects.get().owner == here.people.users["owner"]


def test_what_cannot_wait_is_let_through_and_ratified(desk: Desk, here: World) -> None:
    change = ChangeRequest.objects.get(kind="prompt_release", state="open")
    address, owner = f"/changes/{change.pk}/", desk("owner")
    owner.goto(address)
    # A new revision asks the people who hold the roles by now.
    owner.get_by_text("Revise or withdraw").click()
    owner.get_by_role("button", name="Open a new revision").click()
    owner.get_by_text("Make it an emergency").click()
    owner.get_by_label("Why it cannot wait").fill("The live version names wrong licences.")
    owner.get_by_role("button", name="Ask for it at once").click()
    assert owner.get_by_text("0 of 2 let it through").is_visible()
    assert_accessible(owner)

    for role in ("board", "ml_engineer"):
        desk(role).goto(address)
        desk(role).get_by_label("Why it cannot wait for the others").fill("Seen; it is wrong.")
        desk(role).get_by_role("button", name="Let it through").click()
    change.refresh_from_db()
    assert change.state == "provisional"
    assert desk("ml_engineer").get_by_text("or it is reverted by itself").is_visible()
    assert_accessible(desk("ml_engineer"))

    for role in ("board 2", "ml_engineer 2"):
        desk(role).goto(address)
        decide(desk(role), "approve", "Right, also when looked at calmly.")
    change.refresh_from_db()
    assert change.state == "applied"
    assert desk("board 2").get_by_role("heading", name=change.title).is_visible()
    desk("board 2").goto("/changes/?show=emergency")
    desk("board 2").get_by_role("link", name=change.title).click()
    assert desk("board 2").get_by_text("and ratified").is_visible()
    assert_accessible(desk("board 2"))


def test_the_board_looks_at_what_would_be(desk: Desk, here: World) -> None:
    """Who would sign, what other weights would do, and what is proven."""
    board = desk("board")
    board.get_by_role("link", name="Who signs what").click()
    board.get_by_role("link", name="Who would sign?").click()
    board.get_by_label("Kind").select_option(label="Use case stage")
    board.get_by_label("Risk").select_option(label="high")
    board.get_by_label("Proposer").select_option(label="Bea Board")
    board.get_by_role("button", name="Show").click()
    assert board.get_by_text("waits for Boris Board").is_visible()
    assert board.get_by_text("not Bea Board, who proposes it").is_visible()
    assert_accessible(board)

    board.get_by_role("link", name="Portfolio map").click()
    board.locator(".chart .main-svg").first.wait_for()
    board.get_by_text("What if the weights were others?").click()
    board.get_by_label("Money or time saved").fill("0")
    board.get_by_role("button", name="Show what changes").click()
    assert board.get_by_text("These weights are tried out and saved nowhere.").is_visible()
    board.locator(".chart .main-svg").first.wait_for()
    assert_accessible(board)
    board.get_by_role("link", name="Back to the weights in force").click()
    assert not board.get_by_text("These weights are tried out").is_visible()

    board.get_by_role("link", name="Controls").click()
    board.get_by_role("link", name="EU AI Act").click()
    assert board.get_by_text("controls are answered by fresh evidence").is_visible()
    assert_accessible(board)
    board.get_by_role("link", name="only gaps").click()
    assert board.url.endswith("?show=gaps")


def _intake(page: Page) -> None:
    """From “What do you want a language model for?” to the summary, by clicks."""
    page.goto("/use-cases/new/")
    page.locator("#title").fill(TITLE)
    page.locator("#team").select_option(label="Legal (CC-100)")
    page.locator("#feature").fill("Drafts the answer to a complaint.")
    page.locator("#outcome").fill("Who complains has an answer within a day.")
    _go_on(page, "pattern")
    for name in ("language", "sensitive", "heavy_compute", "real_time", "grounding"):
        answer = "yes" if name == "language" else "no"
        page.locator(f"[name={name}][value={answer}]").check()
    _go_on(page, "data")
    page.locator("#oversight").select_option("all")
    page.locator("#disclosure_text").fill("A language model drafted this; a person read it.")
    page.locator("#fallback_text").fill("A colleague writes the answer by hand.")
    page.get_by_label("Licence files of installed Python distributions").check()
    _go_on(page, "scores")
    for key in STARTING.keys:
        page.locator(f"[name={key}][value='3']").check()
        page.locator(f"[name={key}_why]").fill("As last year's complaints show.")
    _go_on(page, "risk")
    for code in page.locator("[type=radio]").evaluate_all("all => all.map(one => one.name)"):
        field = page.locator(f"[name={code}][value={'yes' if code in RISKY else 'no'}]")
        if field.is_visible():
            field.check()
    _go_on(page, "summary")
    assert page.get_by_text("high risk").first.is_visible()
    assert_accessible(page)


# A wrong answer harms somebody, and nobody looks before it acts.
RISKY = {"harm", "decides"}


def _go_on(page: Page, to: str) -> None:
    page.get_by_role("button", name="Save and go on").click()
    page.wait_for_url(f"**/intake/{to}/")


def _reach_the_end_of_a_pilot(here: World, use_case: UseCase) -> None:
    """Everything that production asks for, through the services, signed by everybody."""
    people, now = here.people, here.now
    owner = people.actor("owner")
    metric = metrics.add_metric(
        actor=owner,
        use_case=use_case,
        name="Hours",
        unit="hours",
        baseline=Decimal(48),
        target=Decimal(8),
        now=now,
    )
    ChecklistItem.objects.filter(use_case=use_case).update(done_at=now, evidence="Seen.")
    install_starting_playbooks(actor=Actor.system("tests"), now=now)
    for target in ("assessed", "approved", "pilot"):
        demo._advance(people, use_case, target, now)
    demo.sign(people, notices.propose_notice(people, use_case, now), now)
    metrics.measure(
        actor=owner, metric=metric, value=Decimal(9), on=now.date(), source="by hand", now=now
    )
    engineer = people.users["prompt_engineer"]
    version = make_version(engineer, make_prompt(engineer, use_case, "Complaints"))
    release = releases.propose_release(
        actor=owner,
        version=version,
        deployments=[Deployment.objects.get(slug="smollm2-local")],
        environment="production",
        reason="First release.",
        now=now,
    )
    demo.sign(people, release, now)
    # The thirty days of the pilot pass.
    pilot = ChangeRequest.objects.get(subject_id=use_case.pk, proposal__target="pilot")
    pilot.closed_at = now - timedelta(days=30)
    pilot.save(update_fields=["closed_at"])
