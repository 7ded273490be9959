"""Which processes live, so that the places of one that was killed are free in seconds.

A place is held for as long as a call may take, which is minutes. Beside it stands the process
that runs the call, and that process says every second that it lives.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from governance.kernel.statements import executed
from prompts.gateway.runner_sql import BEAT
from prompts.gateway.steady_models import Runner

BEAT_SECONDS = 1.0
KEPT_FOR = timedelta(hours=1)
log = structlog.get_logger("placet.runner")


@dataclass(frozen=True)
class _Own:
    """This process; after a fork the child is another one."""

    pid: int = field(default_factory=os.getpid)
    id: UUID = field(default_factory=uuid4)


_lock = threading.Lock()
_own: _Own | None = None


def own_id() -> UUID | None:
    """What the places of this process's calls are held by; None where only their time frees them.

    That is so outside web and worker processes: a command that asks a model beats for nobody.
    """
    if not (settings.PLACET_IS_WEB or os.environ.get("PLACET_PROCESS") == "worker"):
        return None
    global _own
    if _own is None or _own.pid != os.getpid():
        with _lock:
            if _own is None or _own.pid != os.getpid():
                made = _Own()
                beat(made.id)
                threading.Thread(target=_go_on, args=[made.id], name="beating", daemon=True).start()
                _own = made
    return _own.id


def beat(runner_id: UUID) -> None:
    """Say that it lives, by the database's clock."""
    with executed(BEAT, [runner_id]):
        pass


def _go_on(runner_id: UUID) -> None:
    """For as long as the process lives; a database that is away is told again when it is back."""
    pause = threading.Event()
    while not pause.wait(BEAT_SECONDS):
        try:
            beat(runner_id)
        except (DatabaseError, InterfaceError) as error:
            log.warning("not told", why=type(error).__name__)
        finally:
            connection.close()


def forget_runners(now: datetime) -> None:
    """Those that have not been heard for long hold nothing any more."""
    Runner.objects.filter(seen_at__lt=now - KEPT_FOR).delete()
