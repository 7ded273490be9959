"""Use cases over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import generics, serializers

from governance.kernel.authority import Permission
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to


class UseCaseSerializer(serializers.ModelSerializer[UseCase]):
    class Meta:
        model = UseCase
        fields = [
            "id",
            "slug",
            "title",
            "team",
            "owner",
            "feature",
            "outcome",
            "benefit",
            "pattern",
            "serving",
            "sensitivity",
            "oversight",
            "tier",
            "stage",
            "suspended_at",
            "disclosure_text",
            "fallback_text",
            "version",
        ]


class UseCaseList(generics.ListAPIView[UseCase]):
    """Use cases in the person's reach."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = UseCaseSerializer
    queryset = UseCase.objects.all()

    def get_queryset(self) -> Any:
        return use_cases_visible_to(self.request.user)  # type: ignore[arg-type]  # signed in


class UseCaseDetail(generics.RetrieveAPIView[UseCase]):
    """One use case."""

    required_permission = Permission.USE_CASE_VIEW
    serializer_class = UseCaseSerializer
    queryset = UseCase.objects.all()

    def get_object(self) -> Any:
        return get_or_404(use_cases_visible_to(self.request.user), slug=self.kwargs["slug"])  # type: ignore[arg-type]  # signed in
