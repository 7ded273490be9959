"""How long a training holds, and how it stands. Pure."""

from __future__ import annotations

from datetime import date, timedelta

MOST_VALIDITY_DAYS = 3650
SOON_DAYS = 30
TRAINING_STATES = ("valid", "runs_out_soon", "run_out", "missing")
TRAINING_STATE_CHOICES = [(one, one.replace("_", " ")) for one in TRAINING_STATES]


def last_valid_day(completed_on: date, validity_days: int) -> date:
    """The last day on which it holds."""
    return completed_on + timedelta(days=validity_days)


def training_state(valid_until: date | None, today: date) -> str:
    """As of the newest record: valid, runs_out_soon (within 30 days), run_out or missing."""
    if valid_until is None:
        return "missing"
    left = (valid_until - today).days
    if left < 0:
        return "run_out"
    return "runs_out_soon" if left <= SOON_DAYS else "valid"


def training_words(valid_until: date | None, today: date) -> str:
    """The state in words, as on the register."""
    if valid_until is None:
        return "missing"
    left = (valid_until - today).days
    if left < 0:
        return f"ran out on {valid_until:%d %b %Y}"
    if left > SOON_DAYS:
        return f"valid until {valid_until:%d %b %Y}"
    days = "today" if left == 0 else f"in {left} day{'' if left == 1 else 's'}"
    return f"runs out {days}"
