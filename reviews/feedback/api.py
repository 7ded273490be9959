"""Feedback and its rules over the API; the same services as the pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput, valid
from governance.access.models import ApiKey, User
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.web import actor_of, get_or_404, plain_name
from reviews.decisions.rules import LONGEST_TEXT
from reviews.feedback import deciding, giving, rule_services
from reviews.feedback.models import Feedback, FeedbackRuleVersion
from reviews.feedback.rules import LONGEST_COMMENT, LONGEST_KEY, Thumb
from reviews.feedback.selectors import MAY_SEE, Wanted, newest_versions
from reviews.feedback.shapes import given_body
from reviews.queues.models import Queue
from telemetry.ledger.models import Call

THUMBS = [one.value for one in Thumb]
KEY_OR_PERSON = ("key", *MAY_SEE)


class FeedbackSerializer(serializers.ModelSerializer[Feedback]):
    """One feedback and what came of it; its texts are read on its page alone."""

    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    rule = serializers.SlugField(source="taken_by.rule.slug", allow_null=True, read_only=True)
    queue = serializers.SlugField(source="item.queue.slug", allow_null=True, read_only=True)

    class Meta:
        model = Feedback
        fields: ClassVar[list[str]] = [
            "id",
            "call",
            "use_case",
            "thumb",
            "has_text",
            "has_correction",
            "breaks_contract",
            "redactions",
            "state",
            "rule",
            "queue",
            "given_at",
            "decided_at",
            "keep_until",
        ]
        read_only_fields = fields


class FeedbackInput(serializers.Serializer[Any]):
    """What an end user says. `correction` is the whole answer as it should have been."""

    thumb = serializers.ChoiceField(choices=THUMBS)
    text = serializers.CharField(
        max_length=LONGEST_COMMENT, required=False, default="", allow_blank=True
    )
    correction = serializers.CharField(
        max_length=LONGEST_TEXT,
        required=False,
        default=None,
        allow_null=True,
        trim_whitespace=False,
    )
    user = serializers.CharField(
        max_length=giving.LONGEST_END_USER, required=False, default="", allow_blank=True
    )


class KeptTextsSerializer(serializers.Serializer[Any]):
    """Which texts are kept: sealed, redacted, for as long as those of the call."""

    text = serializers.BooleanField()
    correction = serializers.BooleanField()


class ContractSerializer(serializers.Serializer[Any]):
    """Whether the suggested correction keeps the output contract; null where there is none."""

    keeps = serializers.BooleanField(allow_null=True)
    problems = serializers.ListField(child=serializers.CharField())


class GivenSerializer(serializers.Serializer[Any]):
    """What was kept of a feedback, and what comes of it."""

    id = serializers.UUIDField()
    object = serializers.CharField()
    call = serializers.UUIDField()
    thumb = serializers.ChoiceField(choices=THUMBS)
    state = serializers.CharField()
    kept = KeptTextsSerializer()
    keep_until = serializers.DateTimeField(allow_null=True)
    redactions = serializers.DictField(child=serializers.IntegerField())
    contract = ContractSerializer()
    created = serializers.IntegerField()


class FeedbackQueries(generics.GenericAPIView[Feedback]):
    serializer_class = FeedbackSerializer
    queryset = Feedback.objects.all()

    def get_queryset(self) -> QuerySet[Feedback]:
        """Of the key's use case, or in the person's reach."""
        key = self.request.auth
        found = Feedback.objects.select_related("use_case", "item__queue", "taken_by__rule")
        if isinstance(key, ApiKey):
            if "calls:read" not in key.scopes:
                raise NotAllowed("This API key may make calls, not read them.")
            return found.filter(use_case_id=key.use_case_id)
        return found.filter(
            pk__in=Feedback.objects.visible_to(cast(User, self.request.user)).values("pk")
        )


FILTERS = [
    OpenApiParameter("use_case", str, description="Short name of a use case."),
    OpenApiParameter("thumb", str, enum=THUMBS),
    OpenApiParameter("state", str),
    OpenApiParameter("has", str, enum=["text", "correction"]),
    OpenApiParameter("since", {"type": "string", "format": "date"}),
    OpenApiParameter("until", {"type": "string", "format": "date"}),
]


@extend_schema(parameters=FILTERS)
class FeedbackList(FeedbackQueries, generics.ListAPIView[Feedback]):
    """Feedback, newest first."""

    required_permission: ClassVar = KEY_OR_PERSON

    def get_queryset(self) -> QuerySet[Feedback]:
        return Wanted.from_query(self.request.query_params).apply(cast(Any, super().get_queryset()))


class FeedbackDetail(FeedbackQueries, generics.RetrieveAPIView[Feedback]):
    """One feedback."""

    required_permission: ClassVar = KEY_OR_PERSON


class FeedbackConfirm(FeedbackQueries):
    """A lead's second look at what people decided before: it stands."""

    required_permission: ClassVar = Permission.REVIEW_MANAGE

    @extend_schema(request=ReasonInput, responses=FeedbackSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """To decide otherwise, overturn the decision."""
        get_or_404(self.get_queryset(), pk=pk)
        reason = valid(ReasonInput(data=request.data))["reason"]
        deciding.confirm(actor=actor_of(request), feedback_id=pk, reason=reason, now=timezone.now())
        return Response(FeedbackSerializer(self.get_queryset().get(pk=pk)).data)


class CallFeedback(FeedbackQueries, generics.ListAPIView[Feedback]):
    """What was said of one call."""

    required_permission: ClassVar = {"GET": KEY_OR_PERSON, "POST": KEY_OR_PERSON}
    lookup_url_kwarg = "pk"

    def get_queryset(self) -> QuerySet[Feedback]:
        return super().get_queryset().filter(call_id=self.kwargs["pk"])

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Of a call in reach: an empty list would say that a stranger's exists."""
        self._call(request.auth if isinstance(request.auth, ApiKey) else None, in_queues=True)
        return super().get(request, *args, **kwargs)

    def _call(self, key: ApiKey | None, *, in_queues: bool = False) -> Call:
        """The key's, or in the person's reach; to read, also what waits in a queue of theirs."""
        if key is not None:
            calls = Call.objects.filter(use_case_id=key.use_case_id)
        else:
            reach = cast(User, self.request.user).reach(Permission.REVIEW_VIEW)
            mine = Q(team_id__in=reach.team_ids)
            if in_queues:
                mine |= Q(review_item__queue_id__in=reach.queue_ids)
            calls = Call.objects.all() if reach.everywhere else Call.objects.filter(mine)
        found: Call = get_or_404(calls, pk=self.kwargs["pk"])
        return found

    @extend_schema(
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=False)
        ],
        request=FeedbackInput,
        responses={200: GivenSerializer, 201: GivenSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Say something of its answer. 200 for what the same key said before.

        A correction that breaks the output contract is kept, and the reply says what it breaks.
        """
        key = request.auth if isinstance(request.auth, ApiKey) else None
        call = self._call(key)
        sent = valid(FeedbackInput(data=request.data))
        given = giving.give(
            actor=actor_of(request),
            call_id=call.pk,
            said=giving.Said(sent["thumb"], sent["text"], sent["correction"], sent["user"]),
            now=timezone.now(),
            api_key=key,
            idempotency_key=request.headers.get("idempotency-key", "")[: LONGEST_KEY + 1],
        )
        code = status.HTTP_201_CREATED if given.is_new else status.HTTP_200_OK
        return Response(given_body(given), code)


class FeedbackConditionsSerializer(serializers.Serializer[Any]):
    """All that are named must hold."""

    use_cases = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=50
    )
    thumbs = serializers.ListField(
        child=serializers.ChoiceField(choices=THUMBS), required=False, max_length=2
    )
    with_text = serializers.BooleanField(required=False)
    with_correction = serializers.BooleanField(required=False)


class FeedbackRuleSerializer(serializers.ModelSerializer[FeedbackRuleVersion]):
    """The newest version of a rule."""

    slug = serializers.CharField(source="rule.slug", read_only=True)
    name = serializers.CharField(source="rule.name", read_only=True)
    queue: Any = serializers.SlugRelatedField("slug", read_only=True)
    conditions = FeedbackConditionsSerializer()

    class Meta:
        model = FeedbackRuleVersion
        fields: ClassVar[list[str]] = [
            "slug",
            "name",
            "number",
            "is_active",
            "position",
            "conditions",
            "share",
            "most_open",
            "queue",
            "priority",
            "by_label",
            "reason",
            "at",
        ]
        read_only_fields = fields


class FeedbackRuleInput(serializers.Serializer[Any]):
    """All that a version says."""

    name = serializers.CharField(max_length=100, validators=[plain_name])
    queue: Any = serializers.SlugRelatedField("slug", queryset=Queue.objects.all())
    conditions = FeedbackConditionsSerializer(required=False)
    share = serializers.DecimalField(
        max_digits=6, decimal_places=3, min_value=0, max_value=100, default=Decimal(100)
    )
    most_open = serializers.IntegerField(min_value=1, max_value=rule_services.MOST_OPEN, default=50)
    priority = serializers.IntegerField(min_value=-100, max_value=100, default=0)
    position = serializers.IntegerField(min_value=0, max_value=999, default=50)
    reason = serializers.CharField(max_length=300, required=False, default="")

    def parts(self) -> tuple[rule_services.RuleFacts, str]:
        given = dict(valid(self))
        reason, conditions = given.pop("reason"), given.pop("conditions", {})
        return rule_services.RuleFacts(**given, **({"thumbs": ()} | conditions)), reason


class FeedbackRuleQueries(generics.GenericAPIView[FeedbackRuleVersion]):
    serializer_class = FeedbackRuleSerializer
    queryset = FeedbackRuleVersion.objects.all()

    def get_queryset(self) -> QuerySet[FeedbackRuleVersion]:
        return newest_versions()

    def written(self, request: Request, slug: str, code: int) -> Response:
        facts, reason = FeedbackRuleInput(data=request.data).parts()
        made = rule_services.write_rule(
            actor=actor_of(request), facts=facts, reason=reason, slug=slug, now=timezone.now()
        )
        return Response(FeedbackRuleSerializer(made).data, code)


class FeedbackRuleList(FeedbackRuleQueries, generics.ListAPIView[FeedbackRuleVersion]):
    """Every rule, in the order in which they are asked."""

    required_permission: ClassVar = {"GET": MAY_SEE, "POST": Permission.REVIEW_MANAGE}

    @extend_schema(request=FeedbackRuleInput, responses={201: FeedbackRuleSerializer})
    def post(self, request: Request) -> Response:
        """Write one; it holds for feedback from now on."""
        rule_services.check_can_write(actor_of(request))
        return self.written(request, "", status.HTTP_201_CREATED)


class FeedbackRuleDetail(FeedbackRuleQueries):
    """One rule."""

    required_permission: ClassVar = {
        "GET": MAY_SEE,
        "PUT": Permission.REVIEW_MANAGE,
        "DELETE": Permission.REVIEW_MANAGE,
    }

    @extend_schema(responses=FeedbackRuleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        found = get_or_404(self.get_queryset(), rule__slug=slug)
        return Response(FeedbackRuleSerializer(found).data)

    @extend_schema(request=FeedbackRuleInput, responses=FeedbackRuleSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Write its next version."""
        rule_services.check_can_write(actor_of(request))
        get_or_404(self.get_queryset(), rule__slug=slug)
        return self.written(request, slug, status.HTTP_200_OK)

    @extend_schema(
        parameters=[OpenApiParameter("reason", str, description="Why it ends.")],
        responses=FeedbackRuleSerializer,
    )
    def delete(self, request: Request, slug: str) -> Response:
        """It takes nothing from now on; its history stays."""
        rule_services.check_can_write(actor_of(request))
        reason = request.query_params.get("reason", "")
        ended = rule_services.end_rule(
            actor=actor_of(request), slug=slug, reason=reason, now=timezone.now()
        )
        return Response(FeedbackRuleSerializer(ended).data)
