"""`manage.py demo`: the demo organisation, once, on an empty database; `--calls` its real calls."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from governance.access.models import Organisation, User
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.demo import licences, organisation
from telemetry.ledger.models import Call

DOZEN = 12


class Command(BaseCommand):
    help = "Load the demo organisation into an empty database; does nothing where it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="leave other data in peace")
        parser.add_argument("--calls", action="store_true", help="make its dozen real calls")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["calls"]:
            return self._make_calls()
        if Organisation.objects.filter(name="Placet demo").exists():
            self.stdout.write("The demo organisation is loaded already.")
            return None
        if User.objects.exists():
            if options["if_empty"]:
                return None
            raise CommandError("This database holds other data; nothing was loaded.")
        organisation.build(timezone.now(), lambda text: self.stdout.write(f"          {text}"))
        self.stdout.write("The demo organisation is loaded.")
        return None

    def _make_calls(self) -> None:
        path = Path(settings.DATA_DIR) / "demo.json"
        key = json.loads(path.read_text())["api_keys"]["licence-review"]
        for number, licence in enumerate(licences.installed(DOZEN), 1):
            if Call.objects.filter(task_id=licence.distribution, source="live").exists():
                continue
            reply = pipeline.run(
                GovernedRequest(
                    model="licence-review",
                    presented_key=key,
                    variables={"licence_text": licence.text},
                    task_id=licence.distribution,
                )
            )
            self.stdout.write(f"{number} of {DOZEN}: {licence.distribution} is {reply.state}")
