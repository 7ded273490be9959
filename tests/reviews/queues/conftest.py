"""What tests of re-timing share."""

from __future__ import annotations

import pytest

from reviews.queues import retiming, retiming_job


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four items are a job's, two of them a step."""
    monkeypatch.setattr(retiming_job, "HERE_AND_NOW", 3)
    monkeypatch.setattr(retiming, "AT_ONCE", 2)
