"""What stands in a pack, and that nobody can change it unseen."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from governance.audit import packs, services, tables
from governance.audit.registries import PackScope, evidence_sections
from governance.compliance.registries import control_evidence
from governance.incidents import services as incidents
from telemetry.ledger import seals
from telemetry.ledger.models import Call
from tests.factories.audit import (
    COLUMNS,
    ask_for,
    built,
    make_events,
    pack_file,
    row,
    section,
    verify,
    with_changed_byte,
)
from tests.factories.ledger import make_settled, make_use_case
from tests.factories.organisation import World, world

COMMITS = pytest.mark.django_db(transaction=True)
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _xlsx(content: bytes) -> list[list[list[str]]]:
    """The texts of every sheet's cells, row by row."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [one for one in book.namelist() if one.startswith("xl/worksheets/sheet")]
        names.sort(key=lambda name: int("".join(filter(str.isdigit, name))))
        return [_rows(ElementTree.fromstring(book.read(name))) for name in names]  # noqa: S314  # ours


def _rows(sheet: ElementTree.Element) -> list[list[str]]:
    found = []
    for line in sheet.iter(f"{_SHEET}row"):
        cells = {str(one.get("r")).rstrip("0123456789"): one for one in line.iter(f"{_SHEET}c")}
        found.append(["".join(cells[c].itertext()) if c in cells else "" for c in "ABCDEF"])
    return found


@COMMITS
def test_the_three_forms_of_a_section_hold_the_same() -> None:
    rows = [
        row(1, text="plain", count=0, flag=False),
        row(2, text='quo"ted, and\nbroken', amount="-12.50", list={"a": [1]}),
        row(3, text=None, count=10**17),
        row(4, text="ünïcode ✓"),
    ]
    with section(lambda scope: iter(rows)):
        path = pack_file()
    with zipfile.ZipFile(path) as pack:
        exact = [json.loads(line) for line in pack.read("data/made-up.jsonl").splitlines()]
        lines = list(csv.reader(io.StringIO(pack.read("tables/made-up.csv").decode(), newline="")))
        (sheet,) = _xlsx(pack.read("tables/made-up.xlsx"))
    assert exact == rows
    assert lines[0] == sheet[0] == list(COLUMNS)
    assert lines[1:] == [[str(tables.cell(one[c])) for c in COLUMNS] for one in rows]
    assert sheet[1:] == lines[1:]


@COMMITS
def test_a_formula_stays_text() -> None:
    evil = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1+1"]
    with section(lambda scope: (row(at, text=text) for at, text in enumerate(evil))):
        path = pack_file()
    with zipfile.ZipFile(path) as pack:
        lines = list(csv.DictReader(io.StringIO(pack.read("tables/made-up.csv").decode())))
        book = zipfile.ZipFile(io.BytesIO(pack.read("tables/made-up.xlsx")))
    assert [one["text"] for one in lines] == [f"'{text}" for text in evil]
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "=1+1" in sheet


def test_a_full_sheet_goes_on_in_the_next(tmp_path: Path) -> None:
    book = tables.Workbook(tmp_path / "x.xlsx", "calls", ("n",), sheet_rows=4)
    for number in range(7):
        book.add([number])
    book.close()
    sheets = _xlsx((tmp_path / "x.xlsx").read_bytes())
    values = [[line[0] for line in sheet] for sheet in sheets]
    assert values == [["n", "0", "1", "2"], ["n", "3", "4", "5"], ["n", "6"]]


def test_a_text_too_long_for_a_cell_says_so(tmp_path: Path) -> None:
    book = tables.Workbook(tmp_path / "x.xlsx", "x", ("text",))
    book.add(["ä" * 40_000])
    book.close()
    (sheet,) = _xlsx((tmp_path / "x.xlsx").read_bytes())
    assert len(sheet[1][0]) == tables.CELL_CHARACTERS
    assert sheet[1][0].endswith("whole in data/]")


@COMMITS
def test_memory_does_not_grow_with_the_rows() -> None:
    many = 15_000

    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        return (row(number, text=f"{number} " * 60) for number in range(many))

    pack = ask_for()
    tracemalloc.start()
    kept = [one for _, one in zip(range(1_000), rows(PackScope(pack.starts_at, pack.ends_at)))]
    a_list_takes = tracemalloc.get_traced_memory()[0] * many // len(kept)
    kept.clear()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with section(rows):
        built(pack)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert pack.state == "ready"
    assert peak < 6_000_000 < a_list_takes


@COMMITS
def test_a_pack_verifies_offline_and_names_any_changed_file(tmp_path: Path) -> None:
    make_events(21)
    path = pack_file()
    code, said = verify(path)
    assert (code, said[:2]) == (0, "OK")
    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
        assert len(pack.read("data/events.jsonl").splitlines()) > 20
        pack.extractall(tmp_path / "unzipped")
    assert verify(tmp_path / "unzipped")[0] == 0
    for name in names:
        code, said = verify(with_changed_byte(path, name))
        assert code == 1, name
        assert f"CHANGED  {name.removesuffix('.sig')}" in said, name


@COMMITS
def test_the_verifier_says_what_was_changed() -> None:
    make_events(3)
    path = pack_file()
    expected = {
        "data/events.jsonl": "EVENT    line 1 of data/events.jsonl",
        "proofs/events.jsonl": "EVENT    line 1 of data/events.jsonl",
        "verify.py": "CHANGED  verify.py",
        "checkpoint.txt": "CHANGED  checkpoint.txt: it is not signed by this key",
        "manifest-sha256.txt": "CHANGED  manifest-sha256.txt or its signature",
    }
    for name, words in expected.items():
        code, said = verify(with_changed_byte(path, name, 5))
        assert code == 1 and words in said
        code, said = verify(with_changed_byte(path, name, -2))
        assert code == 1 and f"CHANGED  {name}" in said


@COMMITS
def test_a_file_that_is_there_twice_is_named() -> None:
    path = pack_file()
    with zipfile.ZipFile(path, "a") as pack, pytest.warns(UserWarning, match="Duplicate"):
        pack.writestr("data/events.jsonl", pack.read("data/events.jsonl"))
    code, said = verify(path)
    assert code == 1 and "ADDED    data/events.jsonl, a second time" in said


@COMMITS
def test_a_pack_with_a_flipped_byte_anywhere_never_breaks_the_verifier() -> None:
    whole = pack_file().read_bytes()
    broken = packs.folder() / "flipped.zip"
    for at in range(0, len(whole), len(whole) // 20):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        broken.write_bytes(changed)
        assert verify(broken)[0] in (0, 1)  # 0: a date or flag of the ZIP, no byte of a file


def _happens(here: World, team: str, secret: str) -> None:
    """A use case with a call that was billed, sealed and reviewed by nobody, and an incident."""
    now = timezone.now()
    case = make_use_case(here.people.teams[team], title=f"{secret} case", slug=f"{secret}-case")
    make_settled(case, now=now, amount="7.25")
    safety = here.people.actor("safety")
    incidents.declare(
        actor=safety,
        playbook=incidents.install_starting_playbooks(actor=safety, now=now)[0],
        title=f"{secret} incident",
        description=f"{secret} was told.",
        severity="high",
        now=now,
        use_case=case,
    )


@COMMITS
def test_a_teams_pack_holds_nothing_of_another() -> None:
    here = world()
    _happens(here, "legal", "whistle")
    _happens(here, "support", "drumming")
    seals.seal_settled(now=timezone.now())
    teams = here.people.teams
    # A section of every pack is called “Legal holds”, whatever the teams are called.
    of_support = _texts(pack_file(teams["support"].pk)).replace("Legal hold", "")
    of_all = _texts(pack_file())
    own = ["drumming-case", "drumming incident", "7.25"]
    others = ["whistle", teams["legal"].name, teams["engineering"].name, here.use_case.title]
    others += [str(call.pk) for call in Call.objects.filter(team=teams["legal"])]
    for word in own:
        assert word in of_support and word in of_all
    for word in others:
        assert word not in of_support and word in of_all


def _texts(path: Path) -> str:
    """All that a pack says, workbooks included."""
    said = []
    with zipfile.ZipFile(path) as pack:
        for name in pack.namelist():
            content = pack.read(name)
            sheets = _xlsx(content) if name.endswith(".xlsx") else None
            said.append(str(sheets) if sheets else content.decode())
    return "\n".join(said)


@COMMITS
def test_the_report_sums_the_money_and_counts_what_happened() -> None:
    here = world()
    _happens(here, "legal", "whistle")
    with zipfile.ZipFile(pack_file()) as pack:
        report = pack.read("report.html").decode()
        checkpoint = pack.read("checkpoint.txt").decode().split("\n")
        names = set(pack.namelist())
        changes = pack.read("data/changes.jsonl").splitlines()
    flat = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", report))
    assert "legal live USD 7.250000000" in flat
    assert "Severity Rows high 1" in flat
    assert f"Change requests {len(changes)} exact lines" in flat
    assert checkpoint[2] in report and "python3 verify.py --key KEY" in report
    assert "<script" not in report and "http" not in report
    linked = set(re.findall(r'href="([^"#]+)"', report))
    assert linked and linked <= names


@pytest.mark.django_db
def test_a_section_asks_once_however_many_rows(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    here, day = world(), timezone.now()
    scope = PackScope(day - timedelta(days=1), day + timedelta(days=1))
    for secret in ("one", "two", "three"):
        _happens(here, "legal", secret)
        seals.seal_settled(now=timezone.now())
    filled = set()
    # A savepoint of the server-side cursor is one; the controls ask each of their queries once.
    most = dict.fromkeys(evidence_sections, 2) | {"controls": 2 * len(control_evidence)}
    for name, chosen in evidence_sections.items():
        with django_assert_max_num_queries(most[name]):
            rows = list(chosen.rows(scope))
        assert all(tuple(one) == chosen.columns for one in rows), name
        filled |= {name} if len(rows) >= 3 else set()
    assert filled >= {"calls", "ledger", "incidents", "changes", "decisions", "use_cases"}


@COMMITS
def test_events_that_wait_for_a_checkpoint_are_told() -> None:
    pack = ask_for()
    with connections.create_connection("default").cursor() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [services.SEQUENCER_LOCK])
        built(pack)
        assert "no checkpoint yet" in pack.failure
        other.execute("SELECT pg_advisory_unlock(%s)", [services.SEQUENCER_LOCK])
        services.sequence(now=timezone.now())
        other.execute("SELECT pg_advisory_lock(%s)", [services.SEQUENCER_LOCK])
        path = pack_file()
        other.connection.close()
    with zipfile.ZipFile(path) as packed:
        assert "1 event of the period waited" in packed.read("report.html").decode()
