"""To whom a lead gave an item that waits."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviews.queues.models import ReviewItem


class Assignment(models.Model):
    """Until then only this person gets the item; after it anybody may. It keeps its due time."""

    item = models.OneToOneField(
        ReviewItem, models.PROTECT, primary_key=True, related_name="assignment"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="assigned_items"
    )
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "until"], name="assignment_of_person")]

    def __str__(self) -> str:
        return f"{self.item} for {self.person}"
