"""C2SP signed notes and checkpoints with Ed25519 (c2sp.org/signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ORIGIN = "placet.example/audit"
_ED25519 = b"\x01"


@dataclass(frozen=True)
class Signer:
    """A named Ed25519 key; `seed` is its 32 private bytes."""

    name: str
    seed: bytes

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """The key in a file of one base64 line; made (mode 600) where there is none yet."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = Ed25519PrivateKey.generate().private_bytes_raw()
            path.touch(mode=0o600)
            path.write_text(base64.b64encode(fresh).decode() + "\n")
        return cls(ORIGIN, base64.b64decode(path.read_text().strip()))

    @property
    def public_bytes(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def verifier_key(self) -> str:
        """The key as auditors are given it: name+hash+base64."""
        tagged = _ED25519 + self.public_bytes
        return f"{self.name}+{key_hash(self.name, self.public_bytes).hex()}+" + (
            base64.b64encode(tagged).decode()
        )

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def note(self, text: str) -> str:
        """`text` (which ends in a newline), an empty line and the signature line."""
        signature = key_hash(self.name, self.public_bytes) + self.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {base64.b64encode(signature).decode()}\n"


def key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def checkpoint_text(size: int, root: bytes) -> str:
    """Origin, size and root, one a line (c2sp.org/tlog-checkpoint)."""
    return f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(note: str) -> tuple[int, bytes]:
    """(size, root) of a checkpoint note; ValueError when it has another shape."""
    lines = note.split("\n")
    if len(lines) < 4 or lines[0] != ORIGIN:
        raise ValueError("This is not a checkpoint of this log.")
    return int(lines[1]), base64.b64decode(lines[2])


def verify_note(note: str, public: bytes) -> bool:
    """Whether the note's last signature is by that key."""
    text, _, signatures = note.rpartition("\n\n")
    parts = signatures.strip().split(" ")
    if len(parts) != 3:
        return False
    raw = base64.b64decode(parts[2])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], (text + "\n").encode())
    except InvalidSignature:
        return False
    return raw[:4] == key_hash(parts[1], public)
