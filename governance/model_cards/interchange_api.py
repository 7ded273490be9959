"""Cards in the formats of others, over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.kernel.authority import Permission
from governance.kernel.web import actor_of
from governance.model_cards import interchange
from governance.model_cards.api import CardQueries, ResultSerializer
from governance.model_cards.interchange_views import download, named
from governance.model_cards.markdown_export import to_markdown
from governance.model_cards.markdown_import import LARGEST_BYTES


class MarkdownInput(serializers.Serializer[Any]):
    """The README.md of a model, at most 1 MB."""

    markdown = serializers.CharField(max_length=LARGEST_BYTES, trim_whitespace=False)


class ReadFields(serializers.Serializer[Any]):
    """What a card read from elsewhere says; what it does not say is left out."""

    slug = serializers.CharField(required=False, allow_blank=True)
    name = serializers.CharField(required=False)
    provider = serializers.CharField(required=False)
    model_id = serializers.CharField(required=False)
    licence = serializers.CharField(required=False)
    intended_use = serializers.CharField(required=False)
    out_of_scope_use = serializers.CharField(required=False)
    training_data = serializers.CharField(required=False)
    evaluation_results = ResultSerializer(many=True, required=False)
    limitations = serializers.CharField(required=False)
    bias_findings = serializers.CharField(required=False)
    contacts = serializers.CharField(required=False)
    review_on = serializers.DateField(required=False)
    source_url = serializers.CharField(required=False)


class ReadCard(serializers.Serializer[Any]):
    """The fields to check and to send on as a new card, and what was not understood."""

    card = ReadFields()
    notes = serializers.ListField(child=serializers.CharField())


class CardImport(CardQueries):
    """Read a model card from elsewhere."""

    required_permission = Permission.MODEL_AUTHOR

    @extend_schema(request=MarkdownInput, responses=ReadCard)
    def post(self, request: Request) -> Response:
        """The fields of a Hugging Face model card. Saves nothing: send them as a new card."""
        sent = MarkdownInput(data=request.data)
        sent.is_valid(raise_exception=True)
        document = sent.validated_data["markdown"]
        fields, notes = interchange.read_markdown(actor=actor_of(request), document=document)
        return Response({"card": fields, "notes": notes})


class CardMarkdown(CardQueries):
    """A card as a file."""

    required_permission = Permission.MODEL_VIEW

    @extend_schema(responses={(200, "text/markdown"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Markdown with the metadata that the Hugging Face Hub reads."""
        card = self.found(pk)
        return download(to_markdown(card.content()), f"{named(card)}.md", interchange.MARKDOWN)


class CardCycloneDx(CardQueries):
    """A card as a bill of materials."""

    required_permission = Permission.MODEL_VIEW

    @extend_schema(responses={(200, "application/vnd.cyclonedx+json"): OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """A CycloneDX 1.6 ML-BOM; the same card and approval give the same bytes."""
        card = self.found(pk)
        name = f"{named(card)}.cdx.json"
        return download(interchange.cyclonedx(card), name, interchange.CYCLONEDX)
