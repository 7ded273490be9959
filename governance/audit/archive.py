"""The ZIP of a pack: fixed dates, written as it comes, every file's digest remembered."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

FIXED_DATE = (1980, 1, 1, 0, 0, 0)


class Member:
    """One file of the ZIP while it is written."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target, self.digest = target, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._target.write(content)


class Archive:
    """Files into a ZIP, one after the other; `digests` is the manifest's content."""

    def __init__(self, path: Path) -> None:
        self._zip = ZipFile(path, "w")
        self.digests: dict[str, str] = {}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self._zip.close()
        else:  # what is there is thrown away; a full disk refuses the closing lines as well
            with suppress(OSError, ValueError):
                self._zip.close()

    @contextmanager
    def file(self, name: str) -> Iterator[Member]:
        """A file to write into until the block ends; only one can be open at a time."""
        if name in self.digests:
            raise ValueError(f"{name} is in the pack already.")
        entry = ZipInfo(name, FIXED_DATE)
        # A workbook is a ZIP already.
        entry.compress_type = ZIP_STORED if name.endswith(".xlsx") else ZIP_DEFLATED
        with self._zip.open(entry, "w", force_zip64=True) as target:
            member = Member(target)
            yield member
        self.digests[name] = member.digest.hexdigest()

    def add(self, name: str, content: bytes) -> None:
        with self.file(name) as member:
            member.write(content)

    def move(self, name: str, path: Path) -> None:
        """Take a file in, piece by piece, and remove it where it stood."""
        with self.file(name) as member, path.open("rb") as source:
            shutil.copyfileobj(source, member)
        path.unlink()
