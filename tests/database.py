"""Tests run against a real PostgreSQL: the one in DATABASE_URL, or an embedded one of their own.

Several workers on an embedded one begin with copies of one database, which is migrated in a
process of its own while they look for their tests.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["PLACET_TEST"] = "1"
_FOLDER = Path(tempfile.mkdtemp(prefix="placet-test-"))
os.environ["DATA_DIR"] = str(_FOLDER)
(_FOLDER / "static").mkdir()  # whitenoise warns where it is missing, and warnings are errors
os.environ.setdefault("PORT", "8000")
_POSTGRES: Any = None
_MIGRATING: subprocess.Popen[bytes] | None = None
# In the environment of the workers: the file that is locked until their template is ready.
LOCK = "PLACET_TEST_TEMPLATE_LOCK"
TEMPLATE = "placet_template"


def _start() -> None:
    global _POSTGRES
    if os.environ.get("DATABASE_URL"):
        return
    from governance.config.embedded import Postgres

    _POSTGRES = Postgres(_FOLDER, durable=False)
    _POSTGRES.start()
    _POSTGRES.create_database()
    os.environ["DATABASE_URL"] = _POSTGRES.url()


def pytest_configure(config: Any) -> None:
    global _MIGRATING
    if _POSTGRES is None or not config.getoption("numprocesses", None):
        return
    _POSTGRES.create_database(TEMPLATE)
    os.environ[LOCK] = str(_FOLDER / "template.lock")
    environment = os.environ | {"DATABASE_URL": _POSTGRES.url(TEMPLATE)}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    with open(os.environ[LOCK], "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the process that inherits it has ended
        _MIGRATING = subprocess.Popen(command, env=environment, pass_fds=[lock.fileno()])  # noqa: S603


def template() -> str | None:
    """The migrated database to copy, once it is ready; none where each makes its own."""
    if LOCK not in os.environ:
        return None
    with open(os.environ[LOCK]) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return TEMPLATE


def pytest_unconfigure() -> None:
    if _MIGRATING is not None:
        _MIGRATING.terminate()
        _MIGRATING.wait()
    if _POSTGRES is not None:
        _POSTGRES.stop()
    shutil.rmtree(_FOLDER, ignore_errors=True)


_start()
