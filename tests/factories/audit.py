"""Packs built and verified, and made-up sections to put into them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.access import services as access
from governance.access.models import User
from governance.audit import building, offline_verifier, packs, services
from governance.audit.models import AuditPack
from governance.audit.registries import EvidenceSection, PackScope, evidence_sections
from governance.kernel.authority import Actor
from tests.factories.ledger import make_person

COLUMNS = ("id", "text", "amount", "count", "flag", "list")


def make_events(count: int) -> None:
    """As many teams, each an event."""
    for number in range(count):
        access.create_team(
            actor=Actor.system("tests"),
            name=f"T{number}",
            slug=f"t{number}",
            code=f"C{number}",
            now=timezone.now(),
        )


def ask_for(team_id: int | None = None, person: User | None = None) -> AuditPack:
    """A pack of today that compliance asked for."""
    now = timezone.now()
    return packs.request_pack(
        actor=Actor.person(person or make_person("compliance")),
        starts_on=now.date(),
        ends_on=now.date(),
        now=now,
        team_id=team_id,
    )


def built(pack: AuditPack) -> AuditPack:
    building.build(pack_id=str(pack.pk))
    pack.refresh_from_db()
    return pack


def pack_file(team_id: int | None = None) -> Path:
    """The file of a pack of today that was built to its end."""
    pack = built(ask_for(team_id))
    assert (pack.state, pack.failure) == ("ready", "")
    return packs.folder() / pack.file_name


@contextmanager
def section(
    rows: Callable[[PackScope], Iterator[dict[str, Any]]], **facts: Any
) -> Iterator[EvidenceSection]:
    """A section of COLUMNS that is registered while the block runs."""
    made = EvidenceSection("made-up", "Made up", COLUMNS, rows, **facts)
    # Frozen after start-up, and right so; tests alone may put something in.
    evidence_sections._items["made-up"] = made
    try:
        yield made
    finally:
        del evidence_sections._items["made-up"]


def row(number: int, **changes: Any) -> dict[str, Any]:
    facts = {"id": number, "text": f"text {number}", "amount": "0.50", "count": number}
    return facts | {"flag": True, "list": ["a"]} | changes


def verify(where: Path) -> tuple[int, str]:
    """Exit code and words of the verifier, run alone as an auditor does."""
    key = services.signer().verifier_key
    command = [sys.executable, "-I", str(offline_verifier.__file__), str(where), "--key", key]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout


def with_changed_byte(path: Path, name: str, at: int | None = None) -> Path:
    """A copy of the pack in which one byte of that file (the middle one) is another."""
    target = path.with_name("tampered.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as changed:
        for one in source.namelist():
            content = bytearray(source.read(one))
            if one == name:
                content = content or bytearray(b"x")
                content[len(content) // 2 if at is None else at] ^= 1
            changed.writestr(one, bytes(content))
    return target
