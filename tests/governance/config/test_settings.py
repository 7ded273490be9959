"""Production refuses to start half safe, and every setting stands in the one table."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from governance.config.environment import SETTINGS, database

ROOT = Path(__file__).resolve().parents[3]
SAFE = {
    "PLACET_MODE": "production",
    "PLACET_SECRET_KEY": "k" * 30 + "3f9a7c5e1b8d2460" * 2,
    "PLACET_ENCRYPTION_KEYS": "1:" + base64.b64encode(bytes(range(32))).decode(),
    "PLACET_HTTPS": "1",
    "PLACET_ALLOWED_HOSTS": "placet.example",
    "DATABASE_URL": "postgresql://placet@127.0.0.1:1/placet",
}


def check(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {name: value for name, value in (SAFE | changes).items() if value}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=kept | given | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )


def test_the_deployment_check_is_clean(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PLACET_SECRET_KEY": ""}, "PLACET_SECRET_KEY must be at least 50"),
        ({"PLACET_SECRET_KEY": "short"}, "PLACET_SECRET_KEY must be at least 50"),
        ({"PLACET_ENCRYPTION_KEYS": ""}, "set PLACET_ENCRYPTION_KEYS"),
        ({"PLACET_HTTPS": "0"}, "cookies would travel over plain HTTP"),
        ({"DEBUG": "1"}, "debug is on"),
        ({"PLACET_LOG_LEVEL": "loud"}, "PLACET_LOG_LEVEL is DEBUG, INFO,"),
    ],
)
def test_production_refuses(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    done = check(tmp_path, **changes)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_the_table_of_settings_is_the_one_in_the_handbook() -> None:
    handbook = (ROOT / "CONTRIBUTING.md").read_text()
    assert [one.name for one in SETTINGS if f"`{one.name}`" not in handbook] == []


def test_nothing_reads_the_environment_past_the_table() -> None:
    known = {one.name for one in SETTINGS}
    asked = {
        name
        for path in ROOT.glob("governance/**/*.py")
        for name in re.findall(r"read(?:_flag|_list)?\(\"(\w+)\"\)", path.read_text())
    }
    assert asked <= known


def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        database("mysql://somewhere/placet")
    assert database("postgresql:///x?host=/run/here")["HOST"] == "/run/here"
