"""Vendors over the API. Their approval is opened as a change request."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, plain_name
from governance.model_cards import vendors
from governance.model_cards.vendor_models import Vendor
from governance.model_cards.vendor_rules import LONGEST_CLAUSE, TRAINS_CHOICES, VENDOR_FACTS


class VendorSerializer(serializers.ModelSerializer[Vendor]):
    """A provider of models and its terms; `is_current`: approved, and its review is not overdue."""

    regions = serializers.ListField(child=serializers.CharField())
    sub_processors = serializers.ListField(child=serializers.CharField())
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Vendor
        fields: ClassVar[list[str]] = [
            "id",
            "slug",
            *VENDOR_FACTS,
            "state",
            "is_current",
            "created_at",
        ]
        read_only_fields = fields

    def get_is_current(self, vendor: Vendor) -> bool:
        return vendor.is_current(timezone.now().date())


class VendorInput(serializers.Serializer[Any]):
    """A vendor that is not on record."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    slug = serializers.SlugField(max_length=80, required=False, allow_blank=True)
    terms_link = serializers.URLField(max_length=300)
    terms_version = serializers.CharField(max_length=100)
    regions = serializers.ListField(
        child=serializers.CharField(max_length=150), default=list, max_length=50
    )
    sub_processors = serializers.ListField(
        child=serializers.CharField(max_length=150), default=list, max_length=50
    )
    trains_on_data = serializers.ChoiceField(choices=TRAINS_CHOICES)
    data_use_clause = serializers.CharField(max_length=LONGEST_CLAUSE)
    contract_from = serializers.DateField(required=False, allow_null=True)
    contract_until = serializers.DateField(required=False, allow_null=True)
    reviewed_on = serializers.DateField()
    review_due = serializers.DateField()
    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))


class VendorList(generics.ListAPIView[Vendor]):
    """Every vendor."""

    required_permission: ClassVar = {"GET": Permission.MODEL_VIEW, "POST": vendors.KEEPERS}
    serializer_class = VendorSerializer
    queryset = Vendor.objects.all()

    @extend_schema(request=VendorInput, responses={201: VendorSerializer})
    def post(self, request: Request) -> Response:
        """Record one; nothing rests on it before it is approved."""
        asked = valid(VendorInput(data=request.data))
        made = vendors.create_vendor(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(VendorSerializer(made).data, status.HTTP_201_CREATED)


class VendorDetail(APIView):
    """One vendor."""

    required_permission = Permission.MODEL_VIEW

    @extend_schema(responses=VendorSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(VendorSerializer(get_or_404(Vendor.objects.all(), slug=slug)).data)
