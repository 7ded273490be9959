"""Judgement quality over the API; the same services and selectors as the pages."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import NotFound
from governance.kernel.web import actor_of, get_or_404
from reviews.decisions.api import ReviewDecisionSerializer
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import FINAL_VERDICT_CHOICES
from reviews.quality import calibrations, costs, selectors, slots, upkeep
from reviews.quality.agreement import Figure
from reviews.quality.forms import period_of
from reviews.quality.models import Calibration, DoubleReview, QualitySettings, ReviewRate
from reviews.quality.rules import FEWEST_SLOTS, LONGEST_WHY, MOST_SLOTS
from reviews.quality.upkeep import MOST_CALIBRATION
from reviews.quality.views import SEES, may_see_figures
from reviews.queues.models import Queue
from reviews.queues.services import claim_item

PERIOD = [
    OpenApiParameter("since", date, description="First day; ninety days ago if left out."),
    OpenApiParameter("until", date, description="Last day; today if left out."),
]


class FigureSerializer(serializers.Serializer[Any]):
    """A figure with its 95 % interval; null with the reason in `text` where there is none."""

    count = serializers.IntegerField(read_only=True)
    needed = serializers.IntegerField(read_only=True)
    value = serializers.FloatField(read_only=True, allow_null=True)
    low = serializers.FloatField(read_only=True, allow_null=True)
    high = serializers.FloatField(read_only=True, allow_null=True)
    text = serializers.CharField(read_only=True)


class NamedFigureSerializer(FigureSerializer):
    kind = serializers.CharField(read_only=True, help_text="alpha, kappa or share")
    about = serializers.CharField(read_only=True)


class QualitySerializer(serializers.Serializer[Any]):
    """Agreement in a queue and a period."""

    queue = serializers.CharField(read_only=True)
    since = serializers.DateField(read_only=True)
    until = serializers.DateField(read_only=True)
    figures = NamedFigureSerializer(many=True, read_only=True)


def plain(figure: Figure, **more: Any) -> dict[str, Any]:
    return {
        "count": figure.count,
        "needed": figure.needed,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "text": figure.text,
    } | more


def _queue(request: Request, slug: str) -> Queue:
    user = cast(User, request.user)
    visible = Queue.objects.filter(pk__in=Queue.objects.visible_to(user).values("pk"))
    queue: Queue = get_or_404(visible, slug=slug)
    if not may_see_figures(user, queue):
        raise NotFound("There is no such queue.")
    return queue


class QueueQuality(generics.GenericAPIView[Queue]):
    required_permission: ClassVar[Any] = SEES
    serializer_class = QualitySerializer
    queryset = Queue.objects.all()

    @extend_schema(parameters=PERIOD, responses=QualitySerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Alpha per queue and label, kappa per pair of reviewers."""
        queue = _queue(request, slug)
        since, until, starts, ends = period_of(request.query_params, timezone.now())
        found = selectors.agreement_in(queue, starts, ends)
        figures = [plain(one, kind=kind, about=about) for kind, about, one in found.rows()]
        shown = {"queue": queue.slug, "since": since, "until": until, "figures": figures}
        return Response(QualitySerializer(shown).data)


class QualitySettingsSerializer(serializers.ModelSerializer[QualitySettings]):
    """Shares in percent."""

    double_share = serializers.IntegerField(min_value=0, max_value=100)
    slots = serializers.IntegerField(min_value=FEWEST_SLOTS, max_value=MOST_SLOTS)
    calibration_share = serializers.IntegerField(min_value=0, max_value=MOST_CALIBRATION)
    is_blind = serializers.BooleanField()

    class Meta:
        model = QualitySettings
        fields: ClassVar[list[str]] = ["double_share", "slots", "is_blind", "calibration_share"]


class QueueQualitySettings(generics.GenericAPIView[QualitySettings]):
    required_permission = Permission.REVIEW_MANAGE
    serializer_class = QualitySettingsSerializer
    queryset = QualitySettings.objects.all()

    @extend_schema(responses=QualitySettingsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The shares of double review and calibration."""
        shown = selectors.settings_of(_queue(request, slug))
        return Response(QualitySettingsSerializer(shown).data)

    @extend_schema(request=QualitySettingsSerializer, responses=QualitySettingsSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """For items opened from now on."""
        queue = _queue(request, slug)
        given = QualitySettingsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        saved = upkeep.change_settings(
            actor=actor_of(request), queue=queue, now=timezone.now(), **given.validated_data
        )
        return Response(QualitySettingsSerializer(saved).data)


class CalibrationSerializer(serializers.ModelSerializer[Calibration]):
    """A calibration; how many answered it and how many of them were right."""

    queue: Any = serializers.SlugRelatedField("slug", read_only=True)
    made_by = serializers.CharField(source="made_by.name", read_only=True)
    answered = serializers.IntegerField(read_only=True, default=0)
    right = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = Calibration
        fields: ClassVar[list[str]] = [
            "id",
            "queue",
            "source",
            "verdict",
            "why",
            "made_by",
            "made_at",
            "retired_at",
            "answered",
            "right",
        ]
        read_only_fields = fields


class NewCalibrationSerializer(serializers.Serializer[Any]):
    """The decided item, what is right, and why."""

    item = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=FINAL_VERDICT_CHOICES)
    why = serializers.CharField(max_length=LONGEST_WHY)


class QueueCalibrations(generics.ListAPIView[Calibration]):
    """Calibrations of a queue, newest first."""

    required_permission = Permission.REVIEW_MANAGE
    serializer_class = CalibrationSerializer
    queryset = Calibration.objects.all()

    def get_queryset(self) -> Any:
        queue = _queue(self.request, self.kwargs["slug"])
        calibrations.check_can_calibrate(actor_of(self.request), queue)
        return selectors.calibrations_of(queue)

    @extend_schema(request=NewCalibrationSerializer, responses={201: CalibrationSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make one of a decided item; 409 where there is one already."""
        queue = _queue(request, slug)
        given = NewCalibrationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        known = given.validated_data
        get_or_404(queue.items.all(), pk=known["item"])
        made = calibrations.make_calibration(
            actor=actor_of(request),
            item_id=known["item"],
            verdict=known["verdict"],
            why=known["why"],
            now=timezone.now(),
        )
        return Response(CalibrationSerializer(made).data, 201)


class CalibrationRetire(generics.GenericAPIView[Calibration]):
    required_permission = Permission.REVIEW_MANAGE
    serializer_class = CalibrationSerializer
    queryset = Calibration.objects.all()

    @extend_schema(request=None, responses=CalibrationSerializer)
    def post(self, request: Request, slug: str, calibration: int) -> Response:
        """Offer it to nobody any more."""
        queue = _queue(request, slug)
        get_or_404(queue.calibrations.all(), pk=calibration)
        found = calibrations.retire(
            actor=actor_of(request), calibration_id=calibration, now=timezone.now()
        )
        return Response(CalibrationSerializer(found).data)


class DisputeSerializer(serializers.ModelSerializer[DoubleReview]):
    """Reviewers differ on an item; the opinions are on its page for the lead who holds it."""

    queue = serializers.CharField(source="item.queue.slug", read_only=True)
    call = serializers.UUIDField(source="item.call_id", read_only=True)
    due_at = serializers.DateTimeField(source="item.due_at", read_only=True)

    class Meta:
        model = DoubleReview
        fields: ClassVar[list[str]] = ["item", "queue", "call", "slots", "state", "due_at"]
        read_only_fields = fields


class AdjudicationList(generics.ListAPIView[DoubleReview]):
    """What this lead may adjudicate, the next due first."""

    required_permission = Permission.REVIEW_MANAGE
    serializer_class = DisputeSerializer
    queryset = DoubleReview.objects.all()

    def get_queryset(self) -> Any:
        return selectors.disputes_for(cast(User, self.request.user))


class AdoptionSerializer(serializers.Serializer[Any]):
    """The slot whose opinion becomes the decision."""

    slot = serializers.IntegerField(min_value=1, max_value=MOST_SLOTS)
    why = serializers.CharField(allow_blank=True, default="", max_length=5000)


class Adjudication(generics.GenericAPIView[DoubleReview]):
    required_permission = Permission.REVIEW_MANAGE
    serializer_class = DisputeSerializer
    queryset = DoubleReview.objects.all()

    def _dispute(self, pk: UUID) -> DoubleReview:
        found: DoubleReview = get_or_404(
            selectors.disputes_for(cast(User, self.request.user)), pk=pk
        )
        return found

    @extend_schema(responses=DisputeSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One item that reviewers left open."""
        return Response(DisputeSerializer(self._dispute(pk)).data)

    @extend_schema(request=AdoptionSerializer, responses={201: ReviewDecisionSerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """Make one opinion the final decision. To decide otherwise, claim and decide the item."""
        review, actor, now = self._dispute(pk), actor_of(request), timezone.now()
        given = AdoptionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        slot, why = given.validated_data["slot"], given.validated_data["why"]
        get_or_404(review.item.opinions.all(), slot=slot)
        item = claim_item(actor=actor, item_id=review.pk, now=now)
        slots.adopt(actor=actor, item=item, slot=slot, why=why, now=now)
        final = ReviewDecision.objects.select_related("item__queue", "person")
        return Response(ReviewDecisionSerializer(final.filter(item=item).latest("pk")).data, 201)


class ReviewRateSerializer(serializers.ModelSerializer[ReviewRate]):
    """What an hour of reviewing costs from a day on."""

    queue: Any = serializers.SlugRelatedField("slug", queryset=Queue.objects.all())
    hourly = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    set_by = serializers.CharField(source="set_by.name", read_only=True)

    class Meta:
        model = ReviewRate
        fields: ClassVar[list[str]] = [
            "id",
            "queue",
            "hourly",
            "currency",
            "starts_on",
            "reason",
            "set_by",
            "set_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["id", "currency", "set_by", "set_at"]


class RateList(generics.ListAPIView[ReviewRate]):
    """All rates, by queue, the latest first."""

    required_permission = Permission.PRICE_MANAGE
    serializer_class = ReviewRateSerializer
    queryset = ReviewRate.objects.select_related("queue", "set_by").order_by(
        "queue__name", "-starts_on", "-pk"
    )

    @extend_schema(request=ReviewRateSerializer, responses={201: ReviewRateSerializer})
    def post(self, request: Request) -> Response:
        """Set a rate from today or later. What is booked already stays."""
        given = ReviewRateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = costs.set_rate(actor=actor_of(request), now=timezone.now(), **given.validated_data)
        return Response(ReviewRateSerializer(made).data, 201)


class MineSerializer(serializers.Serializer[Any]):
    """How the person who asks judges."""

    decided_today = serializers.IntegerField(read_only=True)
    waiting = serializers.IntegerField(read_only=True)
    accuracy = FigureSerializer(read_only=True)
    agreement = FigureSerializer(read_only=True)


class Mine(generics.GenericAPIView[ReviewDecision]):
    required_permission = Permission.REVIEW_WORK
    serializer_class = MineSerializer
    queryset = ReviewDecision.objects.all()

    @extend_schema(responses=MineSerializer)
    def get(self, request: Request) -> Response:
        """Decided today, what waits, and the own figures of a year."""
        found = selectors.mine(cast(User, request.user), timezone.now())
        return Response(MineSerializer(found).data)
