"""What a load scenario starts from: its own PostgreSQL, a migrated database, one organisation."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RESULTS = Path("var/bench.json")


@contextmanager
def organisation() -> Iterator[tuple[Any, str]]:
    """The small organisation of the tests, and the address of the server that holds it."""
    from governance.config.embedded import Postgres

    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "PLACET_PROCESS": "web", "PLACET_TEST": "1"}
        (Path(folder) / "static").mkdir()
        postgres = Postgres(Path(folder))
        postgres.start()
        postgres.create_database()
        try:
            os.environ["DATABASE_URL"] = postgres.url()
            os.environ["DJANGO_SETTINGS_MODULE"] = "governance.config.settings"
            yield _world(), postgres.url()
        finally:
            postgres.stop()


def _world() -> Any:
    import django

    django.setup()
    # A line for every request would stand between the figures.
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command

    from tests.factories.organisation import world

    call_command("migrate", verbosity=0)
    return world()


def keep(name: str, figures: Any) -> None:
    """Write one scenario's part of the results; the others' parts stay."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | {name: figures}, indent=2))


def leave_the_pool() -> None:
    """The web process's pool keeps twenty connections to one database; a bench may need more."""
    from django.db import connection

    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"].pop("pool", None)
