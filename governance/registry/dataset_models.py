"""Data that use cases rest on, and the model cards that were trained on it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from governance.kernel.terms import Sensitivity

LEVELS = [(str(one), str(one).replace("_", " ")) for one in Sensitivity]


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def above(self, ceiling: str) -> DatasetQuerySet:
        """More sensitive than that."""
        permitted = Sensitivity(ceiling)
        return self.filter(sensitivity__in=[s for s in Sensitivity if not permitted.permits(s)])


class Dataset(models.Model):
    """Data that use cases rest on."""

    name = models.CharField(max_length=150, unique=True)
    source = models.CharField(max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    provenance = models.TextField(blank=True)
    lawful_basis = models.CharField(max_length=100, blank=True)
    has_personal_data = models.BooleanField(default=False)
    # Whether what people made of its use cases' answers may train a model. Nobody said so: no.
    allows_training = models.BooleanField(default=False)
    licence = models.CharField(max_length=100, blank=True)
    retention = models.CharField(max_length=100, blank=True)
    quality_notes = models.TextField(blank=True)
    labelling_guideline = models.TextField(blank=True)
    agreement = models.CharField(max_length=100, blank=True)
    sensitivity = models.CharField(max_length=12, choices=LEVELS)
    raised_at = models.DateTimeField(null=True, blank=True)
    use_cases = models.ManyToManyField("registry.UseCase", blank=True, related_name="datasets")
    version = models.PositiveIntegerField(default=1)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CardLink(models.Model):
    """A model card, in all its versions, that was trained or tuned on a dataset."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="card_links")
    card_slug = models.SlugField(max_length=80)

    class Meta:
        ordering = ["card_slug"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "card_slug"], name="one_link_of_a_card")
        ]

    def __str__(self) -> str:
        return f"{self.card_slug} rests on {self.dataset}"
