"""No download carries a formula: every writer of CSV and XLSX goes through `tables.harmless`."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from django.test import Client

from governance.audit.tables import harmless
from tests.factories.ledger import make_person, make_settled, make_team, make_use_case

ROOT = Path(__file__).resolve().parents[3]
AREAS = ("governance", "prompts", "reviews", "telemetry")
FORMULAS = ("=1+1", "+1+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "\ufeff=1", "＝1")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("plain", ["-1.5", "12", "a=b", "name", ""])
def test_what_is_none_stays(plain: str) -> None:
    assert harmless(plain) == plain


def test_every_writer_of_spreadsheets_uses_the_one_way() -> None:
    """A module that writes rows names `harmless`; a new one that does not is found here."""
    writers = re.compile(r"csv\.(writer|DictWriter)\(|xlsxwriter\.Workbook\(|openpyxl")
    wrong = [
        file.relative_to(ROOT).as_posix()
        for area in AREAS
        for file in (ROOT / area).rglob("*.py")
        if writers.search(text := file.read_text()) and "harmless(" not in text
    ]
    assert wrong == [], "write cells through governance.audit.tables.harmless"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/use-cases/?format=csv", "/chargeback/usage.csv"])
def test_a_poisoned_name_leaves_as_text(path: str) -> None:
    team = make_team()
    team.name = "=HYPERLINK(1)"
    team.save()
    use_case = make_use_case(team, title="@SUM(1)")
    make_settled(use_case)
    client = Client()
    client.force_login(make_person("finance"))
    reply = client.get(path)
    if reply.status_code != 200:
        client.force_login(make_person("compliance"))
        reply = client.get(path)
    text = b"".join(reply) if reply.streaming else reply.content  # type: ignore[arg-type]
    cells = [cell for row in csv.reader(io.StringIO(text.decode())) for cell in row]
    assert {"'=HYPERLINK(1)", "'@SUM(1)"} & set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]
