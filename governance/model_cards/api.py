"""Model cards over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.access.api_foundation import ReasonInput
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.model_cards import services
from governance.model_cards.forms import LONGEST_TEXT
from governance.model_cards.models import CONTENT_FIELDS, ModelCard
from governance.model_cards.selectors import cards_with_author


class ResultSerializer(serializers.Serializer[Any]):
    """One evaluation result, and where the figure comes from."""

    benchmark = serializers.CharField(max_length=150)
    metric = serializers.CharField(max_length=100, allow_blank=True, default="")
    value = serializers.CharField(max_length=40)
    source: Any = serializers.CharField(max_length=300, allow_blank=True, default="")


class CardSerializer(serializers.ModelSerializer[ModelCard]):
    """One version of a model card."""

    author: Any = serializers.CharField(source="author.name", read_only=True)
    state = serializers.CharField(read_only=True)
    evaluation_results = ResultSerializer(many=True, read_only=True)

    class Meta:
        model = ModelCard
        fields = ["id", "slug", "version", *CONTENT_FIELDS, "state", "author", "created_at"]
        read_only_fields = fields


def _text() -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True, required=False)


class CardContent(serializers.Serializer[Any]):
    """What a card says; texts are Markdown, and a draft may leave them open."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    provider = serializers.CharField(max_length=150)
    model_id = serializers.CharField(max_length=200)
    licence = serializers.CharField(max_length=100, allow_blank=True, required=False)
    intended_use = _text()
    out_of_scope_use = _text()
    training_data = _text()
    evaluation_results = ResultSerializer(many=True, required=False, max_length=100)  # type: ignore[call-arg]  # many=True takes it
    limitations = _text()
    bias_findings = _text()
    contacts = serializers.CharField(max_length=300, allow_blank=True, required=False)
    review_on = serializers.DateField()
    source_url = serializers.URLField(max_length=300, allow_blank=True, required=False)


class NewCard(CardContent):
    """The first version of a card."""

    slug = serializers.SlugField(max_length=80)


class CardChange(CardContent):
    """The fields to change; all are optional."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Not `partial`: that would let the parts of a result be left out too.
        for field in self.fields.values():
            field.required = False


class ChangeReference(serializers.Serializer[Any]):
    """The change request that now waits for its sign-offs."""

    change_request = serializers.IntegerField()


def valid(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """What was sent, checked, as plain dictionaries and lists."""
    serializer.is_valid(raise_exception=True)
    return {
        name: [dict(row) for row in value] if isinstance(value, list) else value
        for name, value in serializer.validated_data.items()
    }


class CardQueries(generics.GenericAPIView[ModelCard]):
    serializer_class = CardSerializer
    queryset = ModelCard.objects.all()

    def get_queryset(self) -> QuerySet[ModelCard]:
        return cards_with_author()

    def found(self, pk: int) -> ModelCard:
        card: ModelCard = get_or_404(self.get_queryset(), pk=pk)
        return card

    def answer(self, card: ModelCard, code: int = status.HTTP_200_OK) -> Response:
        headers = {"ETag": f'"{card.fingerprint()}"'}
        return Response(CardSerializer(card).data, code, headers=headers)


class CardList(CardQueries, generics.ListAPIView[ModelCard]):
    """Every version of every model card; ML engineers write new ones."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.MODEL_VIEW,
        "POST": Permission.MODEL_AUTHOR,
    }

    @extend_schema(request=NewCard, responses={201: CardSerializer})
    def post(self, request: Request) -> Response:
        """The first version of a card, as a draft."""
        content = valid(NewCard(data=request.data))
        card = services.create_card(actor=actor_of(request), now=timezone.now(), **content)
        return self.answer(card, status.HTTP_201_CREATED)


class CardDetail(CardQueries):
    """One version of a card. Its ETag names its content."""

    required_permission: ClassVar[dict[str, Permission]] = {
        "GET": Permission.MODEL_VIEW,
        "PATCH": Permission.MODEL_AUTHOR,
    }

    @extend_schema(responses=CardSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return self.answer(self.found(pk))

    @extend_schema(request=CardChange, responses=CardSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change a draft; with If-Match, 409 when it is no longer what was read."""
        content = valid(CardChange(data=request.data))
        card = services.edit_card(
            actor=actor_of(request),
            card_id=pk,
            seen=request.headers.get("If-Match", "").strip('"'),
            now=timezone.now(),
            **content,
        )
        return self.answer(card)


class CardVersion(CardQueries):
    """The next version of a card."""

    required_permission = Permission.MODEL_AUTHOR

    @extend_schema(request=CardChange, responses={201: CardSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """A draft with this card's content and the changes sent."""
        content = valid(CardChange(data=request.data))
        card = services.add_version(
            actor=actor_of(request), card=self.found(pk), now=timezone.now(), **content
        )
        return self.answer(card, status.HTTP_201_CREATED)


class CardProposal(CardQueries):
    """Ask for the approval of a card."""

    required_permission = Permission.MODEL_AUTHOR

    @extend_schema(request=ReasonInput, responses={201: ChangeReference})
    def post(self, request: Request, pk: int) -> Response:
        change = services.propose_card(
            actor=actor_of(request),
            card=self.found(pk),
            now=timezone.now(),
            **valid(ReasonInput(data=request.data)),
        )
        return Response({"change_request": change.pk}, status.HTTP_201_CREATED)


class CardWithdrawal(CardQueries):
    """Take a draft back."""

    required_permission = Permission.MODEL_AUTHOR

    @extend_schema(request=ReasonInput, responses=CardSerializer)
    def post(self, request: Request, pk: int) -> Response:
        card = services.withdraw_card(
            actor=actor_of(request),
            card_id=pk,
            now=timezone.now(),
            **valid(ReasonInput(data=request.data)),
        )
        return self.answer(card)
