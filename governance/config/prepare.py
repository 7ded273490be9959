"""Everything before the servers start, in one process: Django is loaded once, not thrice."""

from __future__ import annotations

import os
import sys

import django
from django.core.management import CommandError, call_command
from django.db import DatabaseError


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.config.settings")
    try:
        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("check", databases=["default"])
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("demo", if_empty=True)
    except (CommandError, DatabaseError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
