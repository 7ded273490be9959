"""What all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from prompts.gateway.waiting import may_ask_database
from tests.database import template
from tests.factories.emptying import empty

# A busy machine is slow, not wrong.
settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")

TransactionTestCase._fixture_teardown = empty


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that kill processes take minutes: they run where `-m` names them, as `make faults` does.

    The browser's driver keeps an event loop in the main thread, in which no other test can run
    one: they come last.
    """
    if "faults" not in config.getoption("-m"):
        slow = [one for one in items if one.get_closest_marker("faults")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [one for one in items if one not in slow]
    items.sort(key=lambda one: one.get_closest_marker("browser") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules are here to stay: garbage is not looked for while they come, nor in them later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    if (ready := template()) is not None:
        django_settings.DATABASES["default"]["TEST"]["TEMPLATE"] = ready


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """A slow hash is for attackers; a test that makes five people would mostly hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def a_call_hands_its_statements_out() -> Iterator[None]:
    """In the web server's loop a statement would keep every other call waiting: where a call
    runs as it does there (Django's handler runs it so too), it asks nothing itself."""

    def ask(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not may_ask_database():
            raise RuntimeError(f"A call asked itself what it is to hand out: {sql[:200]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(ask):
        yield
