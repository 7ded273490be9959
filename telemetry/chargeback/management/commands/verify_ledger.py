"""`manage.py verify_ledger`: prove every invariant of the money, or name what breaks it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from telemetry.chargeback.verification import CHECKS, verify
from telemetry.ledger.models import Call, LedgerEntry


class Command(BaseCommand):
    help = "Prove every invariant of calls, ledger, budgets, statements and seals; exit 1 if not."

    def handle(self, *args: Any, **options: Any) -> None:
        is_outermost = not connection.in_atomic_block
        with transaction.atomic():
            # One snapshot for all checks, so that running calls cannot look like errors.
            if is_outermost:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            violations = verify()
            calls, entries = Call.objects.count(), LedgerEntry.objects.count()
        for violation in violations:
            self.stdout.write(f"VIOLATED {violation.check}: {violation.what}")
        if violations:
            self.stdout.write(f"{len(violations)} violations in {calls} calls.")
            sys.exit(1)
        self.stdout.write(
            f"The ledger is sound: {len(CHECKS)} invariants hold over {calls} calls and "
            f"{entries} entries."
        )
