"""What is sent, how it is signed, when it is tried again. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


DELIVERY_STATES = TransitionTable(
    "WebhookDelivery.state",
    DeliveryState.WAITING,
    (
        Edge("waiting", "deliver", "delivered", "a worker", "the receiver answered 2xx"),
        Edge("waiting", "give_up", "failed", "a worker", "every try failed, or it was turned off"),
        Edge("delivered", "send_again", "waiting", "a person who manages keys"),
        Edge("failed", "send_again", "waiting", "a person who manages keys"),
    ),
)

TEST = "webhook.test"
# Seconds after a failed try until the next one; Standard Webhooks' own table up to ten hours.
PAUSES = (5, 300, 1800, 7200, 18000, 36000)
MOST_TRIES = len(PAUSES) + 1
JITTER = 0.2
FAILING_FOR = timedelta(days=5)
ROTATION_OVERLAP = timedelta(hours=24)
SECRET_BYTES = 32


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over "id.timestamp.body"."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def next_try(tries: int, now: datetime, chance: float) -> datetime | None:
    """When to try again after that many failed tries; None when it was the last.

    `chance` from 0 to 1 spreads the tries, so that a receiver that comes back is not flooded.
    """
    if tries >= MOST_TRIES:
        return None
    return now + timedelta(seconds=PAUSES[tries - 1] * (1 + JITTER * chance))


def is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
