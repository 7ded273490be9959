"""`manage.py demo_judged`: what people judged in the demo organisation before today, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from prompts.evaluation.demo.judged import judge


class Command(BaseCommand):
    help = "Judged answers, feedback and evaluation cases for the demo; does nothing twice."

    def handle(self, *args: Any, **options: Any) -> None:
        made = judge(timezone.now(), lambda text: self.stdout.write(f"          {text}"))
        self.stdout.write("It stands now." if made else "There is nothing to make it in, or of.")
