"""Who provides models to us, and under which terms."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models

from governance.model_cards.vendor_rules import (
    TRAINS_CHOICES,
    TRAINS_ON_DATA,
    VENDOR_FACTS,
    VENDOR_STATES,
)

VENDOR_STATE_CHOICES = [(one, one) for one in VENDOR_STATES.states]


class Vendor(models.Model):
    """A provider of models. Its facts are those that were last signed, or first proposed."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=150)
    terms_link = models.URLField(max_length=300)
    terms_version = models.CharField(max_length=100)
    regions: Any = models.JSONField(default=list, blank=True)
    sub_processors: Any = models.JSONField(default=list, blank=True)
    trains_on_data = models.CharField(max_length=10, choices=TRAINS_CHOICES)
    data_use_clause = models.TextField()
    contract_from = models.DateField(null=True, blank=True)
    contract_until = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reviewed_on = models.DateField()
    review_due = models.DateField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=10, choices=VENDOR_STATE_CHOICES, default=VENDOR_STATES.initial
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def trains_in_words(self) -> str:
        return TRAINS_ON_DATA[self.trains_on_data]

    def facts(self) -> dict[str, Any]:
        """What is decided on, JSON-plain; the owner by number."""
        found = {name: getattr(self, name) for name in VENDOR_FACTS if name != "owner"}
        plain = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in found.items()
        }
        return plain | {"owner": self.owner_id}

    def is_current(self, today: date) -> bool:
        """Approved, and its review is not overdue."""
        return self.state == "approved" and self.review_due >= today
