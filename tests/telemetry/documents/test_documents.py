"""Statements and usage as files: typed cells, totals that fit, tagged PDF, reach."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.model_cards.models import Price
from telemetry.allocation import services as allocation
from telemetry.chargeback import statements
from telemetry.documents.pdf import as_plain, statement_pdf
from telemetry.documents.sheets import Sheet, write_book
from telemetry.documents.statement_document import read_document
from tests.factories.allocation import last_month, make_rule
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import (
    make_deployment,
    make_person,
    make_settled,
    make_team,
    make_use_case,
)
from tests.factories.pdf import text_of

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cells = dict[str, tuple[str, str, str]]


def cells(content: bytes, number: int = 1) -> Cells:
    """By reference: type, formula, value."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read(f"xl/worksheets/sheet{number}.xml")
    root = ElementTree.fromstring(sheet)  # noqa: S314  # our own book
    found: Cells = {}
    for cell in root.iter(f"{_MAIN}c"):
        text = "".join(one.text or "" for one in cell.iter(f"{_MAIN}t"))
        formula, value = cell.find(f"{_MAIN}f"), cell.find(f"{_MAIN}v")
        words = (formula.text or "") if formula is not None else ""
        shown = (value.text or "") if value is not None else text
        found[cell.get("r", "")] = (cell.get("t", "n"), words, shown)
    return found


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.decimals("-99999", "99999", places=9), min_size=1, max_size=20),
    st.sampled_from(["=1+1", "@x", "+1", "http://a.b", "12", "\ttext"]),
)
def test_totals_are_formulas_with_their_value(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal], text: str
) -> None:
    path = Path(tmp_path_factory.mktemp("book")) / "book.xlsx"
    rows = [[text, amount, 2] for amount in amounts]
    write_book(path, [Sheet("Lines", ("A", "B", "C"), rows, summed=("B", "C"))])
    found = cells(path.read_bytes())
    last = len(amounts) + 2
    assert found[f"B{last}"][1] == f"SUM(B2:B{last - 1})"
    assert float(found[f"B{last}"][2]) == float(sum(amounts))
    assert found[f"C{last}"][1:] == (f"SUM(C2:C{last - 1})", str(2 * len(amounts)))
    assert [found[f"A{row}"][0] for row in range(2, last)] == ["inlineStr"] * len(amounts)
    assert {row for row, cell in found.items() if cell[1]} == {f"B{last}", f"C{last}"}


@pytest.fixture
def legal(db: None) -> User:
    """Last month of legal: two calls of a use case with an evil title, shared cost, closed."""
    now = timezone.now()
    month = last_month(now.date())
    person = make_person("finance")
    finance = Actor.person(person)
    use_case = make_use_case(make_team("legal"), title='=cmd|"#evil" $x$ *bold*')
    make_budget(use_case.team, starts_on=month)
    deployment = make_deployment()
    for amount in ("0.000000001", "0.25"):
        make_paid_call(
            use_case,
            deployment,
            amount=amount,
            now=datetime(month.year, month.month, 5, tzinfo=UTC),
        )
    allocation.book(actor=finance, rule_id=make_rule().pk, period=month, now=now)
    begun = statements.begin_closing(actor=finance, team=use_case.team, period=month, now=now)
    statements.close_statement(actor=finance, statement_id=begun.pk, now=now)
    return person


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def content(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]  # all are streamed


def path() -> str:
    return f"/chargeback/legal/{last_month(timezone.now().date()):%Y-%m}/download/"


def test_a_statement_as_xlsx(legal: User) -> None:
    response = signed_in(legal).get(f"{path()}?as=xlsx")
    assert response.streaming
    book = content(response)
    lines = cells(book)
    assert lines["A2"] == ("inlineStr", "", '\'=cmd|"#evil" $x$ *bold*')
    assert (lines["I2"][0], lines["I3"][0]) == ("n", "n")
    assert lines["I4"][1:] == ("SUM(I2:I3)", "100.250000001")
    assert lines["F4"][1:] == ("SUM(F2:F3)", "2")
    assert lines["J2"] == ("inlineStr", "", "0.250000001")
    shared = cells(book, 2)
    assert shared["A2"][2] == "Platform fee, version 1"
    assert shared["G2"] == ("n", "", "100")
    about = {cell[2] for cell in cells(book, 3).values()}
    assert {"Legal", "closed", "SHA-256"} <= about


def test_a_statement_as_pdf_is_tagged_and_takes_text_as_text(legal: User) -> None:
    response = signed_in(legal).get(f"{path()}?as=pdf")
    assert response["Content-Type"] == "application/pdf"
    written = content(response)
    assert written.startswith(b"%PDF-")
    for sign in (b"/StructTreeRoot", b"/MarkInfo", b"/Lang"):
        assert sign in written
    assert re.search(rb"pdfuaid:part>1<", written)
    team, now = make_team("legal"), timezone.now()
    document = read_document(team, last_month(now.date()))
    shown = as_plain(document, now)
    assert shown["total"] == "100.250000001"
    assert shown["parts"][0][:2] == ["Platform fee, version 1", "by what the teams' calls cost"]
    assert ["SHA-256", document.statement.sha256] in shown["facts"]  # type: ignore[union-attr]  # it is closed
    assert statement_pdf(document, now).startswith(b"%PDF-")


@pytest.fixture
def agreed(db: None) -> User:
    """Last month of legal: two models with a tier or a discount, and one at list prices."""
    now = timezone.now()
    at = last_month(now.date())
    when = datetime(at.year, at.month, 5, tzinfo=UTC)
    use_case = make_use_case(make_team("legal"))
    names = (
        ("=Gamma", "0.00035", ()),
        ("=Tiered", "0.00028", (("input", "1.80", 50),)),
        ("Fine <model>", "0.000315", (("discount", "10", 0), ("output", "9", 1_000_000))),
    )
    for name, amount, prices in names:
        deployment = make_deployment()
        deployment.name = name
        deployment.save()
        for kind, price, tokens in prices:
            Price.objects.create(
                deployment=deployment,
                kind=kind,
                amount=Decimal(price),
                currency="USD",
                starts_on=at,
                from_tokens=tokens,
            )
        make_settled(use_case, deployment=deployment, amount=amount, now=when)
    return make_person("finance")


def nine(cell: tuple[str, str, str]) -> str:
    """The number as the sheet shows it."""
    return f"{float(cell[2]):.9f}"


def test_tiers_and_discounts_stand_in_the_book_and_its_totals_fit(agreed: User) -> None:
    book = content(signed_in(agreed).get(f"{path()}?as=xlsx"))
    with zipfile.ZipFile(io.BytesIO(book)) as opened:
        assert b'name="Tiers and discounts"' in opened.read("xl/workbook.xml")
    found = cells(book, 2)
    head = [found[f"{column}1"][2] for column in "ABCDEF"]
    assert head[1:] == [
        *("Agreed", "At list prices in USD", "Booked in USD", "Less by in USD"),
        "Less by, exact",
    ]
    assert found["A2"] == ("inlineStr", "", "'=Tiered")
    assert found["B2"][2].startswith("input at 1.8 USD a million tokens from 50 tokens a month on")
    assert {found[f"{column}{row}"][0] for column in "CDE" for row in (2, 3, 4)} == {"n"}
    assert [nine(found[f"{column}2"]) for column in "CDE"] == [
        "0.000350000",
        "0.000280000",
        "0.000070000",
    ]
    assert found["F2"] == ("inlineStr", "", "0.000070000")
    assert found["B3"][2].startswith("10 % off, since ")
    assert "; output at 9 USD a million tokens" in found["B3"][2]
    for column, total in (("C", "0.000700000"), ("D", "0.000595000"), ("E", "0.000105000")):
        assert found[f"{column}4"][1] == f"SUM({column}2:{column}3)"
        assert nine(found[f"{column}4"]) == total
        parts = [Decimal(nine(found[f"{column}{row}"])) for row in (2, 3)]
        assert sum(parts) == Decimal(total)


def test_tiers_and_discounts_stand_in_the_pdf(agreed: User) -> None:
    words = text_of(content(signed_in(agreed).get(f"{path()}?as=pdf")))
    panel = words[words.index("Tiers and discounts") :]
    assert panel.startswith(
        "Tiers and discounts Model Agreed At list prices Booked Less by "
        "=Tiered input at 1.8 USD a million tokens from 50 tokens a month on, since "
    )
    assert "0.000350000 0.000280000 0.000070000 Fine <model> 10 % off, since " in panel
    assert "Total in USD 0.000700000 0.000595000 0.000105000" in panel
    assert "=Gamma" in words and "=Gamma" not in panel
    page = signed_in(agreed).get(path().removesuffix("download/")).text
    for amount in ("0.000700000", "0.000595000", "0.000105000"):
        assert f"{amount} USD" in page[page.index("Tiers and discounts in this month") :]


def test_a_month_at_list_prices_says_nothing_of_tiers(legal: User) -> None:
    assert "Tiers" not in text_of(content(signed_in(legal).get(f"{path()}?as=pdf")))
    with zipfile.ZipFile(io.BytesIO(content(signed_in(legal).get(f"{path()}?as=xlsx")))) as book:
        assert b"Tiers" not in book.read("xl/workbook.xml")


def test_a_statement_as_csv_and_focus(legal: User) -> None:
    client = signed_in(legal)
    lines = content(client.get(path())).decode().splitlines()
    assert lines[-1].endswith(",100.250000001")
    focus = content(client.get(f"{path()}?as=focus")).decode().splitlines()
    assert len(focus) == 3
    assert client.get(f"{path()}?as=exe").status_code == 400


def test_downloads_keep_to_a_persons_reach(legal: User) -> None:
    owner = signed_in(make_person("owner", make_team("support")))
    assert owner.get(path()).status_code == 404
    month = f"{last_month(timezone.now().date()):%Y-%m}"
    for name in ("usage.xlsx", "usage-focus.csv"):
        whole = content(signed_in(legal).get(f"/chargeback/{name}?month={month}"))
        other = content(owner.get(f"/chargeback/{name}?month={month}"))
        assert len(whole) > len(other)
    assert len(content(owner.get(f"/chargeback/usage-focus.csv?month={month}")).splitlines()) == 1


def test_statements_over_the_api_and_the_mapping(legal: User) -> None:
    client = signed_in(legal)
    listed = client.get("/api/v1/statements/").json()["results"]
    written = client.get(f"/api/v1/statements/{listed[0]['id']}/download/?as=pdf")
    assert content(written).startswith(b"%PDF-")
    assert "PricingQuantity" in client.get("/chargeback/focus/").content.decode()
