"""Build a pack: tables, exact lines, proofs, report, manifest, signature, verifier."""

from __future__ import annotations

import base64
import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from governance.audit import lease, offline_verifier, packs, services
from governance.audit.archive import Archive
from governance.audit.contents import Content, write_content
from governance.audit.lease import Cancelled, Progress
from governance.audit.models import AuditPack
from governance.audit.registries import PackScope
from governance.audit.report import readme, report
from governance.kernel.errors import PlacetError

log = structlog.get_logger(__name__)
# EFBIG: the operator's limit on a file's size.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def build(*, pack_id: str, clock: Callable[[], datetime] = timezone.now) -> None:
    """Build it to its end, or say why not. Delivered twice, the second finds nothing to do.

    Where the database goes away the pack stays as it is, and the housekeeping job has it
    built again.
    """
    with lease.held(UUID(pack_id)) as progress:
        pack = packs.begin(pack_id=pack_id, now=clock()) if progress else None
        if progress is None or pack is None:
            return
        try:
            path = _write(pack, progress, clock)
        except Cancelled:
            log.info("pack cancelled", pack=pack_id)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # whatever a section does, the person is told
            log.exception("pack failed", pack=pack_id)
            packs.fail(pack_id=pack_id, failure=reason_of(error, progress.label), now=clock())
        else:
            packs.finish(pack_id=pack_id, path=path, now=clock())


def reason_of(error: BaseException, step: str) -> str:
    """The failure as a sentence for the person who asked for the pack."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_ROOM:
            return (
                f"There was no room left on the disk at “{step}”. What had been written was "
                "removed. Free some space where packs are kept, then build it again."
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, PlacetError):
        return error.message
    if isinstance(error, OSError):
        return f"The disk refused “{step}”: {error.strerror or error}. Tell an administrator."
    return (
        f"“{step}” could not be written ({type(error).__name__}: {error}). Tell an administrator."
    )


def _write(pack: AuditPack, progress: Progress, clock: Callable[[], datetime]) -> Path:
    with _workplace(pack) as folder:
        progress.step("Putting waiting events under the signed log")
        services.sequence(now=clock())
        partial = folder / "pack.zip"
        scope = PackScope(pack.starts_at, pack.ends_at, pack.team_id)
        with Archive(partial) as archive:
            with _one_moment():
                content = write_content(scope, folder, archive, progress)
            progress.step("Report, manifest and signature")
            _write_frame(pack, archive, content, clock())
        path = packs.folder() / packs.file_name_of(pack)
        partial.replace(path)
    return path


@contextmanager
def _workplace(pack: AuditPack) -> Iterator[Path]:
    """A folder for what is not finished; what an earlier build left in it goes first."""
    place = packs.workplace_of(pack)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _one_moment() -> Iterator[None]:
    """All that is read in the block is of one moment, and nothing can be written."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _write_frame(pack: AuditPack, archive: Archive, content: Content, now: datetime) -> None:
    """What makes it a pack: report, key, verifier, then manifest and signature last."""
    signer = services.signer()
    if content.checkpoint is None:
        raise ValueError("a pack needs a checkpoint")
    page = report(
        pack,
        content.tallies,
        content.checkpoint,
        waiting=content.waiting,
        key=signer.verifier_key,
        now=now,
    )
    archive.add("report.html", page.encode())
    archive.add("README.txt", readme(pack, content.tallies).encode())
    archive.add("public-key.txt", f"{signer.verifier_key}\n".encode())
    archive.add("verify.py", Path(offline_verifier.__file__).read_bytes())
    lines = [f"{digest}  {name}\n" for name, digest in sorted(archive.digests.items())]
    manifest = "".join(lines).encode()
    archive.add("manifest-sha256.txt", manifest)
    archive.add("manifest-sha256.txt.sig", base64.b64encode(signer.sign(manifest)) + b"\n")
