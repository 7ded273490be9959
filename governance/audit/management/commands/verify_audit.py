"""`manage.py verify_audit`: does the log in the database still say what was signed?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.audit.models import LogLeaf
from governance.audit.verification import problems


class Command(BaseCommand):
    help = "Verify every event against the Merkle log, its checkpoints and the outside copy."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(problems())
        for problem in found:
            self.stdout.write(problem)
        if found:
            raise CommandError(f"The audit log does not hold: {len(found)} problem(s).")
        self.stdout.write(f"The audit log holds: {LogLeaf.objects.count()} events verified.")
