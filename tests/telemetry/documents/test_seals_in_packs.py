"""A pack carries the seals of closed months with all they cover, and the statements as PDF."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from governance.audit import offline_verifier
from governance.kernel.authority import Actor
from telemetry.chargeback import statements
from telemetry.chargeback.models import Statement
from tests.factories.allocation import last_month
from tests.factories.audit import pack_file, verify
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
    make_settled(use_case, deployment=make_deployment(), amount="0.25", now=at)
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
        ({"content": seal["content"].replace("0.25", "0.15")}, "not what was sealed"),
        ({"statement": 0}, "knows no such closing"),
    ):
        changed = json.dumps(seal | changes)
        (tmp_path / "pack/data/statement_seals.jsonl").write_text(f"{changed}\n")
        problems: list[str] = []
        offline_verifier.check_seals(offline_verifier.Folder(tmp_path / "pack"), problems)
        assert len(problems) == 1 and told in problems[0]


def test_a_pack_of_another_team_has_none_of_it(closed: Statement) -> None:
    path = pack_file(make_team("support").pk)
    with zipfile.ZipFile(path) as pack:
        assert pack.read("data/statement_seals.jsonl") == b""
        assert not [name for name in pack.namelist() if name.startswith("documents/")]
