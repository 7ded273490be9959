"""Wiring: settings, addresses, workers, start-up. Names everything by string; imported by nobody."""

from governance.config.celery import app as celery_app

__all__ = ["celery_app"]
