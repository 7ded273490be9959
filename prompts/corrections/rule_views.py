"""The threshold of a prompt, from its page and over the API."""

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
from governance.kernel.web import actor_of, requires
from prompts.catalogue.selectors import prompt_for
from prompts.corrections.figures import LEAST
from prompts.corrections.revising import figures_of, set_rule


@requires(Permission.PROMPT_AUTHOR)
@require_POST
def set_revision_rule(request: HttpRequest, slug: str) -> HttpResponse:
    prompt = prompt_for(cast(User, request.user), slug)
    percent, least = (_number(request.POST.get(name, "")) for name in ("percent", "least"))
    try:
        set_rule(
            actor=actor_of(request),
            prompt=prompt,
            percent=percent,
            least=least,
            now=timezone.now(),
        )
        messages.success(request, "Saved. It is looked at every few minutes.")
    except Invalid as refused:
        messages.error(request, refused.message)
    return redirect("catalogue:detail", slug=slug)


def _number(text: str) -> int:
    """0 for what is no number: the service says what would be one."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


class VersionCorrections(serializers.Serializer[Any]):
    """How often a version was corrected; `says` names too little data as that."""

    number = serializers.IntegerField()
    decisions = serializers.IntegerField()
    corrected = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    characters = serializers.FloatField(allow_null=True)
    says = serializers.CharField()


class RevisionRuleInput(serializers.Serializer[Any]):
    """From which share of corrections on a revision is asked for, on how many decisions."""

    percent = serializers.IntegerField(min_value=1, max_value=100)
    least = serializers.IntegerField(min_value=5, max_value=100_000, default=LEAST)


class PromptCorrections(APIView):
    """How often reviewers corrected each version; a POST sets the threshold."""

    required_permission: dict[str, Permission] = {
        "GET": Permission.PROMPT_VIEW,
        "POST": Permission.PROMPT_AUTHOR,
    }

    @extend_schema(responses=VersionCorrections(many=True))
    def get(self, request: Request, slug: str) -> Response:
        found = figures_of(prompt_for(cast(User, request.user), slug))
        return Response(VersionCorrections(found, many=True).data)

    @extend_schema(request=RevisionRuleInput, responses=RevisionRuleInput)
    def post(self, request: Request, slug: str) -> Response:
        prompt = prompt_for(cast(User, request.user), slug)
        given = valid(RevisionRuleInput(data=request.data))
        rule = set_rule(
            actor=actor_of(request),
            prompt=prompt,
            now=timezone.now(),
            **given,
        )
        return Response(RevisionRuleInput(rule).data)
