"""What the tests over all addresses share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.things import Things, things_of


@pytest.fixture
def things(db: None, settings: Any) -> Things:
    return things_of(settings)
