"""One cluster for all fault tests, and a fresh copy of its database for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from governance.config.embedded import Valkey
from tests.factories.organisation import Provider, provider
from tests.faults.ground import Ground, Place, check_sound, ground


@pytest.fixture(scope="session")
def prepared(django_db_blocker: Any) -> Iterator[Ground]:
    with django_db_blocker.unblock(), ground() as made:
        yield made


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider("Keep the notice.") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture
def place(prepared: Ground, model: Provider, settings: Any, tmp_path: Path) -> Iterator[Place]:
    """What the test leaves behind must be sound, whatever was killed in it."""
    # The copy of the checkpoints that stands outside the database is this database's alone.
    settings.DATA_DIR = tmp_path
    made = Place(prepared, prepared.copy(), {"PLACET_MODEL_URL": model.url})
    prepared.turn_to(made.name)
    yield made
    check_sound()
    connection.close()


@pytest.fixture
def broker(place: Place, tmp_path: Path) -> Iterator[Valkey]:
    valkey = Valkey(tmp_path)
    valkey.start()
    place.environment["CELERY_BROKER_URL"] = valkey.url
    try:
        yield valkey
    finally:
        valkey.stop()
