"""`manage.py rewrap`: move everything that is encrypted to the newest key; or say what is left."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.kernel.encryption import key_ids
from governance.policy import rewrapping


class Command(BaseCommand):
    help = "Encrypt every sealed value anew with the key of the highest id, a few rows at a time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--status", action="store_true", help="Only say which key is used.")
        parser.add_argument("--step", type=int, default=rewrapping.ROWS_PER_STEP)
        parser.add_argument("--most", type=int, default=0, help="Stop after about so many values.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["step"] < 1 or options["most"] < 0:
            raise CommandError("Nothing was moved: --step is 1 or more, --most 0 or more.")
        if not options["status"]:
            self._move(options["step"], options["most"])
        self._say()

    def _move(self, step: int, most: int) -> None:
        total, is_done = 0, False
        while not is_done and (not most or total < most):
            run = rewrapping.rewrap(
                actor=Actor.system("manage.py rewrap"),
                now=timezone.now(),
                most=min(rewrapping.ROWS_PER_RUN, most - total or rewrapping.ROWS_PER_RUN)
                if most
                else rewrapping.ROWS_PER_RUN,
                step=step,
            )
            total, is_done = total + run.moved, run.is_done
            self.stdout.write(f"{total:,} values moved to key {max(key_ids())}.")
            if not run.moved and not is_done:
                raise CommandError("Some rows are held by others just now. Run it again.")

    def _say(self) -> None:
        uses = list(rewrapping.key_uses())
        for one in uses:
            self.stdout.write(f"key {one.number}: {one.rows:,} values of {one.column}")
        used, newest = {one.number for one in uses}, max(key_ids())
        for number in key_ids():
            if number < newest and number not in used:
                self.stdout.write(f"Key {number} is cleared: it may be taken out.")
        for number in sorted(used - {newest}):
            self.stdout.write(f"Key {number} is still needed.")
