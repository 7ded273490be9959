"""One way to write content down as bytes, and its digest. Pure.

RFC 8785 over strings, integers, booleans, null, lists and objects: decimals, dates and
enums become strings first, floats are refused because two machines may print them
differently.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import rfc8785

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

# Whole texts are searched, not names and numbers alone: then the slow way is taken in vain.
_MAY_DIFFER = re.compile(r"[\ud800-\udfff\ue000-\U0010ffff]|\d{16}")
_dumps = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
# Most values are one of these; asking for kinds of kinds takes longer than writing them.
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def plain(value: Any) -> Any:
    """The value with decimals, times, dates, UUIDs, enums and tuples written as JSON knows them.

    Floats raise TypeError: give a Decimal or a string.
    """
    if type(value) in _AS_THEY_ARE:
        return value
    if type(value) is dict:
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no canonical form.")


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of `plain(value)`.

    Python's own writer is ten times as fast, and writes the same but for two things: the order
    of names beyond the 16-bit plane, and numbers that a double cannot hold, which are refused.
    """
    content = plain(value)
    text = _dumps(content)
    return rfc8785.dumps(content) if _MAY_DIFFER.search(text) else text.encode()


def digest(value: Any) -> str:
    """Lower-case hexadecimal SHA-256 of the canonical bytes, 64 characters."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def text_digest(text: str) -> str:
    """Lower-case hexadecimal SHA-256 of the text's UTF-8 bytes, 64 characters."""
    return hashlib.sha256(text.encode()).hexdigest()


def request_id_of(given: str) -> str:
    """The id that a request brought, if it is one; else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else str(uuid7())


def uuid7() -> uuid.UUID:
    """A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=number)
