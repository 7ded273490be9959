"""`manage.py replay_trace FILE --use-case SLUG --deployment NAME`: load usage history, once."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.kernel.errors import PlacetError
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger import placement
from telemetry.ledger.replay import read_trace, replay_trace

ABOUT = """Load a usage trace (TIMESTAMP,ContextTokens,GeneratedTokens; CSV or gzip) as replayed history.

Every row becomes one call and one ledger entry, marked "replayed" and priced by the
deployment's prices of its day. The same content is loaded once per use case. A bad row is
named with its line, and then nothing is loaded.

When the calls are said to have happened:
  (nothing)                        at their recorded times, in UTC
  --shift-to-end DATE              all moved by whole days, the last call on DATE
  --spread-days N --until DATE     over N business days until DATE: the trace is cut into N
                                   equal stretches of time, in order, each stretched evenly
                                   over 09:00 to 17:30 UTC of one day. Order and token counts
                                   stay, and so do the proportions of gaps within a day.
"""


class Command(BaseCommand):
    help = "Load a usage trace as replayed history, once, through the ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.description = ABOUT
        parser.add_argument("file", type=Path)
        parser.add_argument("--use-case", required=True, metavar="SLUG")
        parser.add_argument("--deployment", required=True, metavar="NAME")
        parser.add_argument("--shift-to-end", type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--spread-days", type=int, metavar="N")
        parser.add_argument("--until", type=date.fromisoformat, metavar="DATE")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            batch, is_new = replay_trace(
                actor=Actor.system("replay_trace"),
                file_name=options["file"].name,
                content=read_trace(options["file"]),
                use_case=self._use_case(options["use_case"]),
                deployment=self._deployment(options["deployment"]),
                now=now,
                placement=self._placement(options),
            )
        except PlacetError as error:
            raise CommandError(error.message) from error
        if not is_new:
            self.stdout.write(
                f"Nothing was changed: this file was loaded on {batch.loaded_at:%Y-%m-%d %H:%M} "
                f"UTC already ({batch.rows} calls)."
            )
            return
        self.stdout.write(
            f"Replayed {batch.rows} calls of {batch.use_case} on {batch.deployment}, "
            f"{batch.first_at:%Y-%m-%d} to {batch.last_at:%Y-%m-%d} ({batch.placement}): "
            f"{batch.cost} {batch.currency}."
        )

    def _placement(self, options: dict[str, Any]) -> placement.Placement:
        shift, days, until = options["shift_to_end"], options["spread_days"], options["until"]
        if shift and (days or until):
            raise CommandError("Choose one: --shift-to-end, or --spread-days with --until.")
        if (days is None) != (until is None):
            raise CommandError("--spread-days and --until go together.")
        if shift:
            return placement.shift_to_end(shift)
        return placement.spread(days, until) if days is not None else placement.as_recorded()

    def _use_case(self, slug: str) -> UseCase:
        use_case = UseCase.objects.select_related("team").filter(slug=slug).first()
        if use_case is None:
            raise CommandError(f"Nothing was loaded: there is no use case “{slug}”.")
        return use_case

    def _deployment(self, name: str) -> Deployment:
        found = Deployment.objects.filter(slug=name).first()
        found = found or Deployment.objects.filter(name=name).first()
        if found is None:
            raise CommandError(f"Nothing was loaded: there is no deployment “{name}”.")
        return found
