"""What all tests share."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings

# A busy machine is slow, not wrong.
settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that kill processes take minutes: they run where `-m` names them, as `make faults` does."""
    if "faults" not in config.getoption("-m"):
        slow = [one for one in items if one.get_closest_marker("faults")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [one for one in items if one not in slow]


@pytest.fixture(autouse=True)
def emptied_after_commit(request: pytest.FixtureRequest) -> None:
    """Tests that commit are flushed after themselves, which the insert-only tables refuse.

    Only the TRUNCATE triggers of the test database are switched off for that.
    """
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction"))
    if not commits and not {"transactional_db", "live_server"} & set(request.fixturenames):
        return
    request.getfixturevalue("transactional_db")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE '%no_truncate'"
        )
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """A slow hash is for attackers; a test that makes five people would mostly hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
