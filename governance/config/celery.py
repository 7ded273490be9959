"""The Celery application; tasks are named by string and carry ids only."""

import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import celeryd_init, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.config.settings")

app = Celery("placet")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def say_what_it_is(**_: Any) -> None:
    """Whoever starts it, a worker says that it runs calls (prompts/gateway/runners.py)."""
    os.environ.setdefault("PLACET_PROCESS", "worker")


@task_prerun.connect
def begin_log_context(task_id: str, task: Any, **_: Any) -> None:
    """Each task's log lines carry its own ids, and none of the task before."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id)
