"""Tests run against a real PostgreSQL: the one in DATABASE_URL, or an embedded one of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

os.environ["PLACET_TEST"] = "1"
_FOLDER = Path(tempfile.mkdtemp(prefix="placet-test-"))
os.environ["DATA_DIR"] = str(_FOLDER)
(_FOLDER / "static").mkdir()  # whitenoise warns where it is missing, and warnings are errors
os.environ.setdefault("PORT", "8000")
_POSTGRES = None


def _start() -> None:
    global _POSTGRES
    if os.environ.get("DATABASE_URL"):
        return
    from governance.config.embedded import Postgres

    _POSTGRES = Postgres(_FOLDER, durable=False)
    _POSTGRES.start()
    _POSTGRES.create_database()
    os.environ["DATABASE_URL"] = _POSTGRES.url()


def pytest_unconfigure() -> None:
    if _POSTGRES is not None:
        _POSTGRES.stop()
    shutil.rmtree(_FOLDER, ignore_errors=True)


_start()
