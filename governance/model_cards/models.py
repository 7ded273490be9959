"""Model cards, the places to call a model, and what they cost."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from governance.kernel.canonical import digest
from governance.kernel.encryption import SealedField, decrypt
from governance.kernel.terms import Sensitivity
from governance.model_cards.rate_models import Commitment, ExchangeRate
from governance.model_cards.rules import CARD_STATES, DEPLOYMENT_STATES, HOSTING, PRICE_KINDS
from governance.model_cards.vendor_models import Vendor

CONTENT_FIELDS = (
    "name",
    "provider",
    "model_id",
    "licence",
    "intended_use",
    "out_of_scope_use",
    "training_data",
    "evaluation_results",
    "limitations",
    "bias_findings",
    "contacts",
    "review_on",
    "source_url",
)
# What the board decides on; changed afterwards by a new change request alone.
DECIDED_FACTS = (
    "name",
    "litellm_model",
    "endpoint",
    "region",
    "hosting",
    "sensitivity_ceiling",
    "context_tokens",
    "takes_images",
    "replay_only",
)
# How an approved deployment is run; its engineers may turn these.
RUNNING_FACTS = (
    "timeout_seconds",
    "total_seconds",
    "concurrency_limit",
    "requests_per_minute",
    "tokens_per_minute",
)


__all__ = [
    "CONTENT_FIELDS",
    "DECIDED_FACTS",
    "RUNNING_FACTS",
    "Commitment",
    "Deployment",
    "ExchangeRate",
    "ModelCard",
    "Price",
    "Vendor",
]


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


class ModelCard(models.Model):
    """Versioned documentation of one model; its content is fixed once it is approved."""

    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=150)
    provider = models.CharField(max_length=150)
    model_id = models.CharField(max_length=200)
    licence = models.CharField(max_length=100)
    intended_use = models.TextField()
    out_of_scope_use = models.TextField()
    training_data = models.TextField()
    evaluation_results: Any = models.JSONField(default=list, blank=True)
    limitations = models.TextField()
    bias_findings = models.TextField(blank=True)
    contacts = models.CharField(max_length=300, blank=True)
    review_on = models.DateField()
    source_url = models.URLField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="model_cards")
    state = models.CharField(
        max_length=12, choices=_choices(CARD_STATES.states), default=CARD_STATES.initial
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="card_version"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(state="approved"), name="one_approved_card"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"

    def content(self) -> dict[str, Any]:
        """What is decided on."""
        return {name: getattr(self, name) for name in CONTENT_FIELDS}

    def fingerprint(self) -> str:
        """SHA-256 of the content: names the text that somebody saw before they changed it."""
        return digest(self.content())


class Deployment(models.Model):
    """One place at which an approved model can be called."""

    name = models.CharField(max_length=150)
    slug = models.SlugField(max_length=80, unique=True)
    vendor = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="deployments"
    )
    card = models.ForeignKey(ModelCard, models.PROTECT, related_name="deployments")
    litellm_model = models.CharField(max_length=200)
    endpoint = models.CharField(max_length=300, blank=True)
    region = models.CharField(max_length=100, blank=True)
    hosting = models.CharField(max_length=10, choices=_choices(HOSTING))
    sensitivity_ceiling = models.CharField(max_length=12, choices=_choices(Sensitivity))
    timeout_seconds = models.PositiveIntegerField(default=60)
    # For all attempts of a call that begins here; empty: twice the time-out.
    total_seconds = models.PositiveIntegerField(null=True, blank=True)
    concurrency_limit = models.PositiveIntegerField(default=8)
    # What its provider sells us, over all use cases; empty: no limit of its own.
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    context_tokens = models.PositiveIntegerField(default=8192)
    takes_images = models.BooleanField(default=False)
    secret_sealed = SealedField(
        null=True, blank=True, context=lambda one: f"deployment:{one.slug}:secret"
    )
    replay_only = models.BooleanField(default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=10,
        choices=_choices(DEPLOYMENT_STATES.states),
        default=DEPLOYMENT_STATES.initial,
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def budget_seconds(self) -> int:
        """How long a call that begins here may take with all its attempts."""
        return self.total_seconds or 2 * self.timeout_seconds

    @property
    def has_secret(self) -> bool:
        return self.secret_sealed is not None

    def secret(self) -> str:
        """The provider's key for a call, or an empty string; never for a page."""
        if self.secret_sealed is None:
            return ""
        return decrypt(bytes(self.secret_sealed), context=f"deployment:{self.slug}:secret")


class Price(models.Model):
    """One amount for one kind of token, from a day until (not including) another.

    From `from_tokens` on: the tokens that the deployment took and gave in the calendar month
    before the call. The kind "discount" is in percent of everything else.
    """

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="prices")
    kind = models.CharField(max_length=15, choices=_choices(PRICE_KINDS))
    amount = models.DecimalField(max_digits=18, decimal_places=9)
    currency = models.CharField(max_length=3)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    from_tokens = models.BigIntegerField(default=0, db_default=0)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["deployment", "kind", "-starts_on", "from_tokens"]
        constraints = [
            ExclusionConstraint(
                name="prices_do_not_overlap",
                expressions=[
                    (F("deployment"), RangeOperators.EQUAL),
                    (F("kind"), RangeOperators.EQUAL),
                    (F("from_tokens"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_on"),
                            F("ends_on"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=Q(from_tokens__gte=0), name="tier_not_negative"),
            models.CheckConstraint(
                condition=~Q(kind="discount") | Q(amount__lte=100), name="discount_within_the_price"
            ),
        ]

    def is_in_force(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or self.ends_on > day)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} for {self.kind} from {self.starts_on}"
