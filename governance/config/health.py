"""Is the process alive, and can it work?"""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError

from governance.config.celery import app
from governance.kernel.web import PUBLIC, requires


@requires(PUBLIC)
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@requires(PUBLIC)
def readyz(request: HttpRequest) -> JsonResponse:
    """503 with the names of what is missing, while the database or broker does not answer."""
    missing = [
        name
        for name, answers in (("database", _database_answers), ("broker", _broker_answers))
        if not answers()
    ]
    status = 503 if missing else 200
    response = JsonResponse({"ready": not missing, "missing": missing}, status=status)
    if missing:
        response.headers["Retry-After"] = "5"
    return response


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
