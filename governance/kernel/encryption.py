"""AES-256-GCM for what must be readable again: payloads and provider keys.

A stored value is `key id (1 byte) + nonce (12) + ciphertext and tag`. It is bound to where
it stands by its context (table, row, column) as associated data, so a value copied into
another row does not open.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

from governance.kernel.errors import Unavailable


def _keys() -> dict[int, bytes]:
    """Key id → 32 bytes, from settings "1:base64,2:base64"; the highest id encrypts."""
    return _parsed(settings.PLACET_ENCRYPTION_KEYS)


@cache
def _parsed(configured: str) -> dict[int, bytes]:
    pairs = (part.split(":", 1) for part in configured.split(",") if part)
    return {int(number): base64.b64decode(secret) for number, secret in pairs}


def key_ids() -> list[int]:
    """The ids of the configured keys, rising: the last one encrypts."""
    return sorted(_keys())


def first_key() -> bytes:
    """The key with the lowest id: what is derived from it outlives a rotation, until it is removed."""
    keys = _keys()
    return keys[min(keys)]


def encrypt(text: str, *, context: str) -> bytes:
    """Bytes that only `decrypt` with the same context opens."""
    keys = _keys()
    key_id = max(keys)
    nonce = os.urandom(12)
    sealed = AESGCM(keys[key_id]).encrypt(nonce, text.encode(), context.encode())
    return bytes([key_id]) + nonce + sealed


def decrypt(sealed: bytes, *, context: str) -> str:
    """The text; raises Unavailable if its key is not configured or the bytes do not belong here."""
    sealed = bytes(sealed)
    key = _keys().get(sealed[0])
    if key is None:
        raise Unavailable(
            f"Encryption key {sealed[0]} is not configured, so this content stays closed. "
            "Add it to PLACET_ENCRYPTION_KEYS."
        )
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], context.encode()).decode()
    except InvalidTag:
        raise Unavailable(
            "This content does not open: it was changed, or belongs to another row. "
            "It was left as it is."
        ) from None


def rewrapped(sealed: bytes, *, context: str) -> bytes:
    """The same content under the key that encrypts now."""
    return encrypt(decrypt(sealed, context=context), context=context)


class SealedField(models.BinaryField):  # type: ignore[type-arg]  # not at run time
    """A column of encrypted values. `context` says of a row what its value is bound to.

    Every such column is found by `sealed_columns` of governance.policy.rewrapping, so a rotation
    of keys forgets none. To the database it is bytes like any other.
    """

    def __init__(self, *args: Any, context: Callable[[Any], str] = str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.context = context

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options
