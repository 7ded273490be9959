"""A pack carries the seals of closed months with all they cover, and the statements as PDF."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.audit import offline_verifier, packs, services
from governance.audit.registries import PackScope
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict
from governance.registry import services as registry
from governance.registry.models import UseCase
from telemetry.chargeback import statements
from telemetry.chargeback.models import Statement
from telemetry.chargeback.seal_evidence import LINES
from telemetry.chargeback.verification import verify as verify_books
from telemetry.ledger.models import LedgerEntry
from tests.factories.allocation import last_month
from tests.factories.audit import ask_for, built, pack_file, verify
from tests.factories.ledger import (
    make_deployment,
    make_person,
    make_settled,
    make_team,
    make_use_case,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed(settings: Any, tmp_path: Path) -> Statement:
    """Last month of legal, closed today."""
    settings.DATA_DIR, settings.PLACET_SIGNING_KEY = tmp_path, str(tmp_path / "signing.key")
    now = timezone.now()
    month, finance = last_month(now.date()), Actor.person(make_person("finance"))
    use_case, at = make_use_case(make_team("legal")), now.replace(day=1) - timedelta(days=2)
    for amount in ("0.15", "0.10"):
        make_settled(use_case, deployment=make_deployment(), amount=amount, now=at)
    begun = statements.begin_closing(actor=finance, team=use_case.team, period=month, now=now)
    return statements.close_statement(actor=finance, statement_id=begun.pk, now=now)


def test_seals_are_proved_offline_and_a_changed_one_is_named(
    closed: Statement, tmp_path: Path
) -> None:
    path = pack_file()
    code, words = verify(path)
    assert (code, words[:2]) == (0, "OK"), words
    with zipfile.ZipFile(path) as pack:
        pack.extractall(tmp_path / "pack")
    [line] = (tmp_path / "pack/data/statement_seals.jsonl").read_text().splitlines()
    seal = json.loads(line)
    assert seal["sha256"] == closed.sha256
    assert json.loads(seal["content"])["total"] == "0.250000000"
    [listed] = (tmp_path / "pack/data/statement_documents.jsonl").read_text().splitlines()
    pdf = tmp_path / "pack" / json.loads(listed)["file"]
    assert pdf.read_bytes().startswith(b"%PDF")
    assert f"documents/statements/legal-{closed.period:%Y-%m}.pdf" in str(pdf)
    # Whoever has the signing key could still not put another total under the log's closing.
    for changes, told in (
        ({"content": seal["content"].replace("0.25", "0.15")}, "its content is not what was"),
        ({"statement": closed.pk + 1}, "knows no such closing"),
    ):
        changed = json.dumps(seal | changes)
        (tmp_path / "pack/data/statement_seals.jsonl").write_text(f"{changed}\n")
        assert told in problems_of(tmp_path / "pack")[0]


def problems_of(folder: Path) -> list[str]:
    """What the verifier says of the seals alone, as if all files were signed as they are."""
    problems: list[str] = []
    offline_verifier.check_seals(offline_verifier.Folder(folder), problems)
    return problems


def test_the_entries_of_a_closed_month_are_hashed_offline(
    closed: Statement, tmp_path: Path
) -> None:
    path = pack_file()
    assert "1 closed month(s): every entry is there" in verify(path)[1]
    with zipfile.ZipFile(path) as pack:
        pack.extractall(tmp_path / "pack")
        assert "tables/sealed_lines.csv" not in pack.namelist()
        assert "data/sealed_lines.jsonl" in pack.read("report.html").decode()
    file = tmp_path / "pack/data/sealed_lines.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    booked = LedgerEntry.objects.order_by("pk")
    assert [(line["id"], line["amount"]) for line in lines] == [
        (one.pk, f"{one.amount:.9f}") for one in booked
    ]
    first, second = lines
    cheaper, dearer = first | {"amount": "0.100000000"}, second | {"amount": "0.250000000"}
    stranger = first | {"number": 2}
    for written, told in (
        ([cheaper, second], "2 for 0.200000000, and 2 for 0.250000000 were"),
        ([cheaper, second | {"amount": "0.150000000"}], "2 for 0.250000000, and 2 for 0.25"),
        ([second, first], "are not those that were sealed"),
        ([first], "1 for 0.150000000, and 2 for"),
        ([first, second, dearer], "3 for"),
        ([], "0 for 0, and 2 for"),
        ([first | {"call_id": None}, second], "are not those that were sealed"),
        ([first, second, stranger], "lines of seal 2 of statement"),
    ):
        file.write_text("".join(f"{json.dumps(line)}\n" for line in written))
        [problem] = problems_of(tmp_path / "pack")
        assert told in problem


def break_ledger(sql: str) -> None:
    """As somebody with the database's password could."""
    guard = "TRIGGER ledger_ledgerentry_insert_only"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ledger_ledgerentry DISABLE {guard}")
        cursor.execute(sql)
        cursor.execute(f"ALTER TABLE ledger_ledgerentry ENABLE ALWAYS {guard}")


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE ledger_ledgerentry SET amount = amount + 0.000000001 WHERE amount = 0.15",
        "UPDATE ledger_ledgerentry SET day = day - 1",
        "DELETE FROM ledger_ledgerentry WHERE amount = 0.15",
    ],
)
def test_a_month_that_is_not_as_it_was_sealed_ends_the_pack(closed: Statement, broken: str) -> None:
    break_ledger(broken)
    pack = built(ask_for())
    assert pack.state == "failed"
    assert f"the ledger's lines of {closed} are not those that seal 1 fixed" in pack.failure
    assert closed.sha256[:16] in pack.failure and "verify_ledger" in pack.failure
    assert not list(packs.folder().glob("*.zip"))


def test_what_is_written_is_hashed_and_not_only_read_before(closed: Statement) -> None:
    """The lines' own section ends a pack too, where another would let it through."""
    services.sequence(now=timezone.now())
    scope = PackScope(timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1))
    assert len(list(LINES.rows(scope))) == 2
    break_ledger("UPDATE ledger_ledgerentry SET attempt = 7 WHERE amount = 0.15")
    with pytest.raises(Conflict, match="not those that seal 1 fixed"):
        list(LINES.rows(scope))


def test_a_use_case_under_another_title_leaves_its_months_as_they_were_sealed(
    closed: Statement,
) -> None:
    use_case = UseCase.objects.get()
    owner = Actor.person(make_person("owner", use_case.team))
    registry.save_step(
        actor=owner,
        use_case=use_case,
        version=use_case.version,
        now=timezone.now(),
        title="Quite another title",
    )
    assert [one for one in verify_books() if "statement" in one.check or "seal" in one.check] == []
    client = Client()
    client.force_login(make_person("finance"))
    page = client.get(reverse("chargeback:seal", args=[closed.versions.get().pk])).text
    assert "the SHA-256 is the same" in page and "Quite another title" not in page
    code, words = verify(pack_file())
    assert (code, words[:2]) == (0, "OK"), words


def test_a_pack_of_another_team_has_none_of_it(closed: Statement) -> None:
    path = pack_file(make_team("support").pk)
    with zipfile.ZipFile(path) as pack:
        assert pack.read("data/statement_seals.jsonl") == b""
        assert pack.read("data/sealed_lines.jsonl") == b""
        assert not [name for name in pack.namelist() if name.startswith("documents/")]
