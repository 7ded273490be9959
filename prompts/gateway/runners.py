"""Which processes live, so that the places of one that was killed are free in seconds.

A place is held for as long as a call may take, which is minutes. Beside it stands the process
that runs the call. That process says every second that it lives, and holds a lock on a connection
of its own: who is killed loses it at once, who hangs or is cut off is missed after seconds.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from governance.kernel.statements import executed
from prompts.gateway.runner_sql import BEAT, LOCK
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


def beat(runner_id: UUID, *, holds_lock: bool = False) -> None:
    """Say that it lives, by the database's clock."""
    with executed(BEAT, [runner_id, holds_lock]):
        pass


def _go_on(runner_id: UUID) -> None:
    """For as long as the process lives; a database that is away is told again when it is back."""
    connections[DEFAULT_DB_ALIAS] = _own_connection()
    pause = threading.Event()
    holds_lock = False
    while True:
        try:
            holds_lock = holds_lock or _locked(runner_id)
            beat(runner_id, holds_lock=holds_lock)
        except Exception as error:  # who stops beating loses places that are used
            log.warning("not told", why=type(error).__name__)
            connections.close_all()
            holds_lock = False
        pause.wait(BEAT_SECONDS)


def _own_connection() -> Any:
    """None of the pool's: the lock lives as long as it does."""
    made = connections.create_connection(DEFAULT_DB_ALIAS)
    options = {name: one for name, one in made.settings_dict["OPTIONS"].items() if name != "pool"}
    made.settings_dict = made.settings_dict | {"OPTIONS": options}
    return made


def _locked(runner_id: UUID) -> bool:
    """Behind a pooler that gives each transaction another connection no lock stays one's own."""
    options = connections[DEFAULT_DB_ALIAS].settings_dict["OPTIONS"]
    if options.get("prepare_threshold") is None:
        return False
    with executed(LOCK, [runner_id]) as cursor:
        (is_own,) = cursor.fetchone()
    return bool(is_own)


def forget_runners(now: datetime) -> None:
    """Those that have not been heard for long hold nothing any more."""
    Runner.objects.filter(seen_at__lt=now - KEPT_FOR).delete()
