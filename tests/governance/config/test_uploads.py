"""Large uploads wait on disk, and what stands there is not what was sent."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.config.uploads import PIECE, SealedFile, SealedUpload
from governance.kernel.errors import TooLarge

WORD = b"the very secret word "


def uploaded(content: bytes, path: str = "/batches/new/") -> Any:
    request: HttpRequest = RequestFactory().post(
        path, {"file": SimpleUploadedFile("lines.jsonl", content)}
    )
    return request.FILES["file"]


def sealed(*parts: bytes) -> SealedFile:
    file = SealedFile()
    for part in parts:
        file.add(part)
    file.finish()
    return file


def test_a_large_file_is_read_as_it_was_sent_and_stands_on_disk_in_no_clear_word() -> None:
    content = WORD * 200_000
    file = uploaded(content)
    assert isinstance(file, SealedUpload) and file.size == len(content)
    assert b"".join(file.chunks()) == content
    assert file.read() == b"" and file.seek(21) == 21 and file.read(21) == WORD
    raw = file.file.raw
    on_disk = Path(f"/proc/self/fd/{raw._disk.fileno()}")
    stored = on_disk.read_bytes() if on_disk.exists() else disk_of(raw)
    assert len(stored) > len(content)
    assert b"secret" not in stored
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


def disk_of(raw: Any) -> bytes:
    raw._disk.seek(0)
    return bytes(raw._disk.read())


def test_no_named_file_is_left_and_none_is_in_clear(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = uploaded(WORD * 200_000)
    assert all(b"secret" not in one.read_bytes() for one in tmp_path.iterdir() if one.is_file())
    file.close()
    assert os.listdir(tmp_path) == []


def test_a_small_file_stays_in_memory() -> None:
    assert not isinstance(uploaded(b"x" * 1000), SealedUpload)


def test_more_than_is_taken_is_refused_while_it_comes(settings: Any) -> None:
    settings.PLACET_FILE_UPLOADS = {"/batches/new/": 3_000_000}
    assert uploaded(b"x" * 2_900_000).size == 2_900_000
    with pytest.raises(TooLarge):
        uploaded(b"x" * 3_000_001)
    with pytest.raises(TooLarge):
        uploaded(b"x" * 5_000_001, path="/elsewhere/")


def test_a_piece_that_was_changed_or_moved_does_not_open() -> None:
    file = sealed(b"a" * PIECE, b"b" * PIECE)
    whole = disk_of(file)
    half = len(whole) // 2
    file._disk.seek(0)
    file._disk.write(whole[half:] + whole[:half])
    with pytest.raises(Exception):  # noqa: B017  # InvalidTag: whatever it is, nothing is read
        io.BufferedReader(file).read()


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 7, PIECE - 1, PIECE, PIECE + 1]), max_size=4),
    reads=st.lists(st.tuples(st.integers(0, 3 * PIECE), st.integers(1, PIECE + 5)), max_size=4),
)
def test_any_part_reads_as_it_was_written(sizes: list[int], reads: list[tuple[int, int]]) -> None:
    parts = [bytes([number % 251]) * size for number, size in enumerate(sizes, 1)]
    content, file = b"".join(parts), io.BufferedReader(sealed(*parts))
    assert file.read() == content
    for start, length in reads:
        file.seek(start)
        assert file.read(length) == content[start : start + length]
