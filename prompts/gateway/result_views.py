"""How often answers are given: said on the use case's page, and over the API."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.api_foundation import valid
from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, requires
from governance.registry.models import UseCase
from governance.registry.selectors import use_cases_visible_to
from governance.registry.services import check_can_manage
from governance.registry.views import use_case_page
from prompts.gateway.fetching import fetches_of, set_result_policy
from prompts.gateway.models import FETCHES


class ResultPolicySerializer(serializers.Serializer[Any]):
    """`once` gives the answer of an asynchronous call a single time, `many` as often as asked."""

    result_fetches = serializers.ChoiceField(choices=[(one, one) for one in FETCHES])


def _found(request: Any, slug: str) -> UseCase:
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found


@requires(Permission.USE_CASE_MANAGE)
@require_POST
def set_results(request: HttpRequest, slug: str) -> HttpResponse:
    use_case = _found(request, slug)
    fetches = request.POST.get("fetches", "")
    try:
        set_result_policy(
            actor=actor_of(request), use_case=use_case, fetches=fetches, now=timezone.now()
        )
    except Invalid as refused:
        return use_case_page(request, use_case, refused, "results")
    messages.success(request, f"Answers of asynchronous calls are given {fetches} from now on.")
    return redirect("registry:detail", slug)


class UseCaseResultPolicy(APIView):
    """How often the answer of an asynchronous call is given."""

    required_permission = {"GET": Permission.USE_CASE_VIEW, "PUT": Permission.USE_CASE_MANAGE}

    @extend_schema(responses=ResultPolicySerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response({"result_fetches": fetches_of(_found(request, slug).pk)})

    @extend_schema(request=ResultPolicySerializer, responses=ResultPolicySerializer)
    def put(self, request: Request, slug: str) -> Response:
        # Whose it is comes before what was sent.
        use_case = _found(request, slug)
        check_can_manage(actor_of(request), use_case.team)
        asked = valid(ResultPolicySerializer(data=request.data))
        policy = set_result_policy(
            actor=actor_of(request),
            use_case=use_case,
            fetches=asked["result_fetches"],
            now=timezone.now(),
        )
        return Response({"result_fetches": policy.fetches})
