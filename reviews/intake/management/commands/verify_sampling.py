"""`manage.py verify_sampling --from 2026-11-01 --to 2026-12-01`: the sample, derived again."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviews.intake.sampling import prove


class Command(BaseCommand):
    help = "Prove that exactly the derived calls were taken into the samples of a period (UTC)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", required=True, type=date.fromisoformat)
        parser.add_argument("--to", dest="last", required=True, type=date.fromisoformat)

    def handle(self, *args: Any, first: date, last: date, **options: Any) -> None:
        proof = prove(
            starts_at=datetime.combine(first, time(), UTC),
            ends_at=datetime.combine(last, time(), UTC),
        )
        self.stdout.write(str(proof))
        for name, count in proof.by_rule:
            self.stdout.write(f"  {name}: {count}")
        for call in proof.missing:
            self.stdout.write(f"  not taken: {call}")
        for call in proof.surplus:
            self.stdout.write(f"  should not be taken: {call}")
        if not proof.holds:
            raise CommandError("The sample is not what the rules draw.")
