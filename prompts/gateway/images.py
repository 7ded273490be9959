"""Images in messages: by data URL alone, because an address would be fetched by the provider. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

MOST_BYTES = 2_000_000
MOST_IMAGES = 8
# What one image is held for: more than the costliest tiling of the models that count by tiles
# of 512 pixels takes for one (85 and 170 for each of 16 tiles), with room for others.
MOST_TOKENS = 4_096
DETAILS = ("auto", "low", "high")
_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,([A-Za-z0-9+/]+={0,2})")


def problem_of(url: str) -> str:
    """Why this is no image that is taken, in a sentence; empty when it is one."""
    found = _URL.fullmatch(url)
    if found is None:
        return (
            "An image is a data URL of a PNG, JPEG, WebP or GIF in base64; "
            "an address of an image is not taken, because nobody could look at it first."
        )
    try:
        content = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return "The image's base64 is broken."
    if len(content) > MOST_BYTES:
        return f"An image has at most {MOST_BYTES:,} bytes; this has {len(content):,}."
    if _kind_of(content) != found[1]:
        return f"The image says that it is {found[1]}, and its first bytes say otherwise."
    return ""


def _kind_of(content: bytes) -> str:
    """By its magic bytes."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    is_webp = content.startswith(b"RIFF") and content[8:12] == b"WEBP"
    return "webp" if is_webp else ""


def described(url: str) -> str:
    """What is kept of an image that was checked."""
    kind, _, encoded = url.removeprefix("data:image/").partition(";base64,")
    content = base64.b64decode(encoded)
    return f"[image {kind}, {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}]"
