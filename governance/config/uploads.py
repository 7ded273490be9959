"""Uploads that are too large for memory wait on disk encrypted, under a key that only memory holds.

Django's own temporary file would hold prompts in clear. Here every piece is sealed with a key of
the upload's own, which is forgotten with it; the file has no name from the beginning.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from governance.kernel.errors import TooLarge

PIECE = 64 * 1024
NONCE, TAG = 12, 16


class SealedFile(io.RawIOBase):
    """Bytes on disk that only this object can read. Written once from end to end, then read.

    A piece of PIECE bytes is held in memory, never the whole; only the last may be shorter.
    """

    def __init__(self) -> None:
        self._disk = tempfile.TemporaryFile(prefix="placet-upload-")  # noqa: SIM115  # closed with us
        self._cipher = AESGCM(os.urandom(32))
        self._rest, self._size, self._position = b"", 0, 0
        self._open_piece: tuple[int, bytes] = (-1, b"")

    def add(self, data: bytes) -> None:
        """The next bytes."""
        self._size += len(data)
        self._rest += data
        while len(self._rest) >= PIECE:
            self._write(self._rest[:PIECE])
            self._rest = self._rest[PIECE:]

    def finish(self) -> None:
        """Nothing more comes."""
        if self._rest:
            self._write(self._rest)
        self._rest = b""

    def _write(self, piece: bytes) -> None:
        nonce = os.urandom(NONCE)
        number = self._disk.tell() // (NONCE + PIECE + TAG)
        self._disk.write(nonce + self._cipher.encrypt(nonce, piece, _place(number)))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        number, offset = divmod(self._position, PIECE)
        part = self._piece(number)[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _piece(self, number: int) -> bytes:
        if self._open_piece[0] != number:
            self._disk.seek(number * (NONCE + PIECE + TAG))
            sealed = self._disk.read(NONCE + PIECE + TAG)
            opened = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _place(number))
            self._open_piece = (number, opened)
        return self._open_piece[1]

    def close(self) -> None:
        self._disk.close()
        self._open_piece = (-1, b"")
        super().close()


def _place(number: int) -> bytes:
    """A piece opens at its own place only."""
    return number.to_bytes(8, "big")


class SealedUpload(UploadedFile):  # type: ignore[type-arg]  # not at run time
    """What a form or an API view gets; it reads like any file."""


class SealedUploadHandler(FileUploadHandler):
    """After Django's handler in memory, which takes requests of up to 2.5 MB."""

    chunk_size = PIECE

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = SealedFile()
        self._taken = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._taken += len(raw_data)
        if self._taken > most_bytes(self.request.path if self.request else ""):
            self._file.close()
            raise TooLarge("Nothing was saved: the file is larger than what is taken here.")
        self._file.add(raw_data)

    def file_complete(self, file_size: int) -> SealedUpload:
        self._file.finish()
        return SealedUpload(
            file=io.BufferedReader(self._file, PIECE),
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def most_bytes(path: str) -> int:
    """The most that a request to that address may carry."""
    most: int = settings.PLACET_FILE_UPLOADS.get(path, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    return most
