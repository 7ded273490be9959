"""Change requests over the API: the same services as the pages."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.approvals import services
from governance.approvals.models import ChangeRequest
from governance.approvals.rules import Outcome
from governance.approvals.selectors import changes_visible_to
from governance.kernel.authority import Permission
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404


class ChangeSerializer(serializers.ModelSerializer[ChangeRequest]):
    class Meta:
        model = ChangeRequest
        fields = [
            "id",
            "kind",
            "subject_id",
            "title",
            "reason",
            "tier",
            "state",
            "revision",
            "digest",
            "snapshot",
            "base",
            "proposer",
            "opened_at",
            "due_at",
            "closed_at",
        ]


class DecisionSerializer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=[one.value for one in Outcome])
    rationale = serializers.CharField(allow_blank=True, default="", max_length=5000)
    digest_seen = serializers.CharField(max_length=64)


class ChangeList(generics.ListAPIView[ChangeRequest]):
    """Change requests in the person's reach."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class = ChangeSerializer
    queryset = ChangeRequest.objects.all()

    def get_queryset(self) -> Any:
        return changes_visible_to(self.request.user)  # type: ignore[arg-type]  # signed in


class ChangeDetail(generics.RetrieveAPIView[ChangeRequest]):
    """One change request with exactly what is decided on."""

    required_permission = Permission.CHANGE_VIEW
    serializer_class = ChangeSerializer
    queryset = ChangeRequest.objects.all()

    def get_object(self) -> Any:
        return get_or_404(changes_visible_to(self.request.user), pk=self.kwargs["pk"])  # type: ignore[arg-type]  # signed in


class ChangeDecide(generics.GenericAPIView[ChangeRequest]):
    """Decide on the digest that was seen."""

    required_permission = SIGNED_IN
    serializer_class = DecisionSerializer
    queryset = ChangeRequest.objects.all()

    @extend_schema(request=DecisionSerializer, responses={201: ChangeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        get_or_404(changes_visible_to(request.user), pk=pk)  # type: ignore[arg-type]  # signed in
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decision = services.decide(
            actor=actor_of(request), change_id=pk, now=timezone.now(), **given.validated_data
        )
        change = ChangeRequest.objects.get(pk=decision.change_id)
        return Response(ChangeSerializer(change).data, 201)
