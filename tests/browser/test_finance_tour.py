"""The finance tour: why a bill rose, who may change the price, a month closed, an error corrected.

`PLACET_SCREENSHOTS` names a folder that every page on the way is kept in: light, dark, printed.
"""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from governance.access.models import User
from governance.approvals import services as approvals
from governance.kernel.authority import Actor
from telemetry.chargeback import adjusting, closing
from telemetry.chargeback.models import ClosingRun, Statement
from telemetry.chargeback.rules import month_of, previous_month
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from tests.browser.test_tours import assert_accessible
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "x" * 12
THIS = month_of(timezone.now().date())
OCTOBER = previous_month(THIS)
SEPTEMBER = previous_month(OCTOBER)


def at(month: date, day: int) -> datetime:
    return datetime(month.year, month.month, day, 12, tzinfo=UTC)


@pytest.fixture
def legal() -> dict[str, Any]:
    """Legal's contracts: more calls, a dearer model and another one, and an amount told late."""
    approvals.install_starting_policies(actor=Actor.system("tests"), now=timezone.now())
    team = make_team("legal")
    contracts, search = make_use_case(team, title="Contracts"), make_use_case(team, title="Search")
    large, small = make_deployment(), make_deployment()
    for month in (SEPTEMBER, OCTOBER):
        make_budget(team, "10000", starts_on=month)
    for month, day, use_case, deployment, amount in (
        (SEPTEMBER, 3, contracts, large, "100"),
        (SEPTEMBER, 4, contracts, large, "100.000001"),
        (OCTOBER, 5, contracts, large, "130"),
        (OCTOBER, 6, contracts, large, "250.5"),
        (OCTOBER, 7, contracts, large, "130.000003"),
        (OCTOBER, 8, search, small, "7.25"),
    ):
        call = make_paid_call(use_case, deployment, held=amount, amount=amount, now=at(month, day))
    adjusting.adjust_day(
        actor=Actor.person(make_person("finance")),
        team=team,
        use_case=search,
        deployment=small,
        day=at(OCTOBER, 9).date(),
        amount=Decimal("1.75"),
        reason="A call that the provider told of after the month.",
        now=timezone.now(),
    )
    return {
        "team": team,
        "contracts": contracts,
        "large": large,
        "small": small,
        "call": call,
        "total": Decimal("519.500003"),
    }


def sign_in(page: Page, live_server: Any, person: User) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("#id_login", person.email)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def look(page: Page, name: str) -> None:
    """Axe in both themes; nothing runs out of the page; kept as a picture where one asks for it."""
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    folder = os.environ.get("PLACET_SCREENSHOTS")
    if not folder:
        return
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of the two
        page.screenshot(path=Path(folder) / f"{name}-{theme}.png", full_page=True)
    page.emulate_media(color_scheme="light", media="print")
    page.screenshot(path=Path(folder) / f"{name}-print.png", full_page=True)
    page.pdf(path=Path(folder) / f"{name}.pdf", format="A4", print_background=False)
    page.emulate_media(media="screen")


def amounts(page: Page, region: str) -> dict[str, Decimal]:
    """The figures of a list of facts, by their terms."""
    facts = page.get_by_role("region", name=region).locator("dl")
    terms, values = facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts()
    return {
        term: Decimal(re.sub(r"[^0-9.\-]", "", value.replace("−", "-")))
        for term, value in zip(terms, values, strict=True)
    }


def downloaded(page: Page, link: str) -> bytes:
    with page.expect_download() as waited:
        page.get_by_role("link", name=link, exact=True).click()
    return Path(waited.value.path()).read_bytes()


def test_why_the_bill_rose_and_who_may_change_the_price(
    page: Page, live_server: Any, legal: dict[str, Any]
) -> None:
    sign_in(page, live_server, make_person("finance"))
    page.get_by_role("link", name="Chargeback").first.click()
    page.get_by_role("link", name="Month before", exact=True).click()
    look(page, "organisation")
    # Organisation to call in three clicks.
    page.get_by_role("row", name=re.compile("legal", re.I)).get_by_role("link").click()
    found = amounts(page, f"Change from {SEPTEMBER:%B}")
    figure = page.get_by_role("region", name=f"Change from {SEPTEMBER:%B}").locator(".figure")
    change = Decimal(re.sub(r"[^0-9.\-]", "", figure.inner_text()))
    rose = legal["total"] - Decimal("200.000001")
    assert found.pop("Together") == rose
    assert set(found) == {"Volume", "Price", "Mix"} and sum(found.values()) == rose
    assert change == rose.quantize(Decimal("0.01"))
    assert found["Price"] > 0 and found["Volume"] > 0
    look(page, "legal")
    page.get_by_role("row", name=re.compile("Contracts")).get_by_role("link").click()
    look(page, "contracts")
    page.get_by_role("row", name=legal["large"].name).get_by_role("link").click()
    page.wait_for_url("**/calls/?**")
    expect(page.locator("tbody tr")).to_have_count(3)
    look(page, "calls")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Cost", exact=False).first).to_be_visible()
    look(page, "call")
    page.goto(f"{live_server.url}/models/deployments/{legal['large'].slug}/prices/")
    look(page, "prices")
    page.goto(f"{live_server.url}/changes/policies/")
    rule = page.get_by_role("row", name=re.compile("^Price", re.I)).first
    expect(rule).to_contain_text("Finance")
    rule.get_by_role("link").click()
    look(page, "who-signs-prices")


def test_october_is_reconciled_closed_and_corrected(
    page: Page, live_server: Any, legal: dict[str, Any]
) -> None:
    fay, second = make_person("finance"), make_person("finance")
    sign_in(page, live_server, fay)
    # A late entry is listed; what the provider billed is compared day by day.
    page.goto(f"{live_server.url}/month-end/")
    look(page, "months")
    page.get_by_role("link", name=f"{OCTOBER:%B %Y}").click()
    expect(page.get_by_role("row", name=re.compile("legal", re.I))).to_contain_text("Late entries")
    look(page, "month-end-open")
    page.goto(f"{live_server.url}/reconciliation/")
    look(page, "reconciliation-empty")
    page.get_by_role("link", name="Upload a file").first.click()
    look(page, "upload")
    page.get_by_label("Provider").fill("Provider")
    page.get_by_label("Month", exact=True).fill(f"{OCTOBER:%Y-%m}")
    lines = (
        "date,model,input_tokens,output_tokens,cost",
        f"{OCTOBER:%Y-%m}-08,{legal['small'].slug},100,10,7.75",
        f"{OCTOBER:%Y-%m}-05,{legal['large'].slug},100,10,130",
        f"{OCTOBER:%Y-%m}-06,{legal['large'].slug},100,10,250.5",
        f"{OCTOBER:%Y-%m}-07,{legal['large'].slug},100,10,130",
        # Booked before the file came, by an entry of its own: it agrees.
        f"{OCTOBER:%Y-%m}-09,{legal['small'].slug},0,0,1.75",
    )
    page.get_by_label("File").set_input_files(
        {"name": "october.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    )
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("link", name=re.compile("^Open 1")).click()
    look(page, "reconciliation-file")
    page.get_by_role("link", name=f"8 {OCTOBER:%b %Y}").click()
    page.get_by_label("Why").fill("The invoice has the price since the first.")
    look(page, "reconciliation-line")
    page.get_by_role("button", name="Adjust").click()
    page.get_by_role("link", name=f"8 {OCTOBER:%b %Y}").click()
    expect(page.get_by_role("link", name=re.compile("legal, ", re.I))).to_be_visible()
    total = legal["total"] + Decimal("0.5")
    # Begin, look, close; a worker seals.
    page.goto(f"{live_server.url}/month-end/{OCTOBER:%Y-%m}/")
    page.get_by_role("button", name="Begin for all").click()
    look(page, "month-end-closing")
    page.get_by_label(re.compile("to confirm")).fill(f"{OCTOBER:%Y-%m}")
    page.get_by_role("button", name=re.compile("for good")).click()
    page.wait_for_url("**/month-end/runs/**")
    closing.run_closing(run_id=ClosingRun.objects.get().pk, now=timezone.now())
    page.reload()
    look(page, "closing-run")
    statement = Statement.objects.get(team=legal["team"], period=OCTOBER)
    assert (statement.state, statement.total) == ("closed", total)
    address = f"{live_server.url}/chargeback/{legal['team'].slug}/{OCTOBER:%Y-%m}/"
    page.goto(address)
    expect(page.get_by_text(statement.sha256)).to_be_visible()
    look(page, "statement-closed")
    open_downloads(page, total)
    page.emulate_media(color_scheme="dark", media="print")
    ink = page.evaluate("getComputedStyle(document.querySelector('dd')).color")
    assert max(int(part) for part in re.findall(r"\d+", ink)) < 60
    for gone in (".side", ".top", ".actions.no-print"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.get_by_text(statement.sha256)).to_be_visible()
    page.emulate_media(media="screen")
    # An error in it: by an entry in the next open month, which a second person signs.
    wrong = LedgerEntry.objects.get(amount=Decimal("250.5"))
    page.goto(f"{live_server.url}/calls/{wrong.call_id}/")
    page.get_by_role("link", name="Correct attempt 1").click()
    page.get_by_label("Amount").fill("-120.5")
    page.get_by_label("Reason").fill("The provider counted this call twice.")
    look(page, "correct")
    page.get_by_role("button", name="Correct").click()
    page.wait_for_url("**/changes/**")
    look(page, "correction-asked")
    change = page.url
    assert not LedgerEntry.objects.filter(corrects=wrong).exists()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, live_server, second)
    page.goto(change)
    page.get_by_label("approve", exact=True).check()
    page.locator("#rationale").fill("Seen on the invoice.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text(re.compile("signed by"))).to_be_visible()
    entry = LedgerEntry.objects.get(corrects=wrong)
    assert (entry.amount, entry.period) == (Decimal("-120.5"), THIS)
    page.goto(address)
    expect(page.get_by_role("region", name="Corrections")).to_contain_text("-120.50")
    statement.refresh_from_db()
    assert statement.total == total and verify() == []
    look(page, "statement-corrected")
    page.goto(f"{live_server.url}/chargeback/{legal['team'].slug}/{THIS:%Y-%m}/")
    expect(page.get_by_role("table").first).to_contain_text("-120.5")
    look(page, "statement-next")


def open_downloads(page: Page, total: Decimal) -> None:
    """Each file opened, and its total beside the statement's."""
    rows = list(csv.reader(io.StringIO(downloaded(page, "Download CSV").decode())))
    column = rows[0].index("amount")
    lines = [row for row in rows[1:] if row[column] and "otal" not in row[0]]
    assert sum(Decimal(row[column]) for row in lines) == total
    with zipfile.ZipFile(io.BytesIO(downloaded(page, "XLSX"))) as book:
        sheets = "".join(
            book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name
        )
    sums = re.findall(r"<f>SUM\([^<]*\)</f><v>([^<]*)</v>", sheets)
    # A cell holds a float; the formula is what adds up.
    assert total.quantize(Decimal("0.000001")) in {
        Decimal(value).quantize(Decimal("0.000001")) for value in sums
    }
    focus = list(csv.DictReader(io.StringIO(downloaded(page, "FOCUS").decode())))
    assert sum(Decimal(row["BilledCost"]) for row in focus) == total
    assert downloaded(page, "PDF").startswith(b"%PDF-")


@pytest.mark.parametrize(
    "path",
    [
        "/chargeback/budgets/",
        "/chargeback/budgets/new/",
        "/chargeback/statements/",
        "/chargeback/savings/",
        "/chargeback/what-if/",
        "/chargeback/adjustments/",
        "/chargeback/adjustments/new/",
        "/chargeback/focus/",
        "/allocation/",
        "/allocation/new/",
    ],
)
def test_the_pages_beside_the_tour(
    page: Page, live_server: Any, legal: dict[str, Any], path: str
) -> None:
    sign_in(page, live_server, make_person("finance"))
    page.goto(f"{live_server.url}{path}")
    look(page, path.strip("/").replace("/", "-"))
