"""`python skewed.py MINUTES celery-arguments…`: a worker whose clock is wrong by that much."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from django.utils import timezone


def main() -> None:
    skew = timedelta(minutes=float(sys.argv.pop(1)))
    right = timezone.now

    def wrong() -> datetime:
        return right() + skew

    timezone.now = wrong
    from celery.__main__ import main as celery

    sys.argv[0] = "celery"
    celery()


if __name__ == "__main__":
    main()
