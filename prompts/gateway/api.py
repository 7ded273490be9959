"""The native API of calls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.models import ApiKey
from governance.kernel.authority import Permission
from governance.kernel.errors import NotAllowed
from governance.kernel.web import actor_of, get_or_404, problem
from prompts.gateway import pipeline, tasks
from prompts.gateway.entrances import bearer_key
from prompts.gateway.fetching import fetched
from prompts.gateway.overturned import as_it_stands
from prompts.gateway.progress import progress_of
from prompts.gateway.refusals import Refusal, UnsupportedParameter
from prompts.gateway.reply import GovernedReply, reply_of_earlier
from prompts.gateway.shapes import governed_request, governing_headers, review_of
from prompts.gateway.stages.settle import cancel
from reviews.decisions.standing import overturned
from telemetry.ledger.models import Call
from telemetry.ledger.rules import CallMode
from telemetry.ledger.selectors import call_representation, calls_visible_to


def representation(reply: GovernedReply) -> dict[str, Any]:
    call = reply.call
    body = call_representation(call) if call else {}
    if reply.answer is not None or reply.overturned is not None:
        body["output"] = reply.answer
    if reply.is_held:
        body["review"] = review_of(reply)
    body["overturned"] = dict(reply.overturned) if reply.overturned else None
    if call is not None and call.mode == CallMode.ASYNC:
        body["progress"] = progress_of(call)
    return body


def refused(refusal: Refusal, headers: dict[str, str]) -> Response:
    body = problem(refusal.status, refusal.code, refusal.message)
    if refusal.retry_after_seconds is not None:
        headers = headers | {"Retry-After": str(min(refusal.retry_after_seconds, 120))}
    return Response(body, refusal.status, headers=headers, content_type="application/problem+json")


@extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
class CallCreate(APIView):
    """Make a governed call. `Prefer: respond-async` answers 202 and a worker runs it.

    The same request under the same `Idempotency-Key` gets the answer that was delivered. Where a
    decision on it was overturned since, `overturned` says so as at the call's own address, where
    the new answer is; one that was rejected is not given out again (`output` is null).
    """

    required_permission = "key"

    def post(self, request: Request) -> Response:
        is_async = "respond-async" in request.headers.get("prefer", "")
        body = request.data if isinstance(request.data, dict) else {}
        try:
            mode = "async" if is_async else "sync"
            governed = governed_request(
                dict(body),
                mode,
                presented_key=bearer_key(request.headers.get("authorization", "")),
                idempotency_key=request.headers.get("idempotency-key", ""),
                traceparent=request.headers.get("traceparent", ""),
            )
            if body.get("stream"):
                raise UnsupportedParameter(
                    "Streams are given at /v1/chat/completions alone.", param="stream"
                )
        except Refusal as refusal:
            return refused(refusal, {})
        reply = pipeline.accept(governed) if is_async else pipeline.run(governed)
        headers = governing_headers(reply)
        if reply.refusal is not None:
            return refused(reply.refusal, headers)
        if reply.call is not None and reply.is_open:
            call_id = str(reply.call.pk)
            # Without a broker the call is still let in, and the sweeper runs it.
            transaction.on_commit(lambda: tasks.run_call.delay(call_id), robust=True)
            headers["Location"] = f"/api/v1/calls/{call_id}/"
            headers["Preference-Applied"] = "respond-async"
            return Response(representation(reply), 202, headers=headers)
        return Response(representation(reply), 200 if not reply.is_held else 202, headers=headers)


@extend_schema(responses=OpenApiTypes.OBJECT)
class CallDetail(APIView):
    """A call as it stands: for the key that made it, or people who may see it.

    Where a decision was overturned afterwards, `output` is what stands now (null for a rejection)
    and `overturned` says when, by which verdict, at which `url`, and what stood before, by its
    SHA-256. `state` stays what became of the call.
    """

    required_permission = ("key", Permission.CALL_VIEW)

    def get(self, request: Request, pk: UUID) -> Response:
        call: Call = get_or_404(_calls_for(request), pk=pk)
        is_its_caller = request.auth is not None
        changed = overturned(call)
        reply = as_it_stands(
            reply_of_earlier(call, is_for_its_caller=is_its_caller),
            changed,
            is_for_its_caller=is_its_caller,
        )
        if is_its_caller:
            times = 1 + (len(changed.before) if changed else 0)
            try:
                reply = fetched(reply, actor=actor_of(request), now=timezone.now(), times=times)
            except Refusal as refusal:
                return refused(refusal, governing_headers(reply))
        body = representation(reply)
        body["output"] = reply.answer
        if request.auth is None:
            # People read bodies on the call's page, where opening them is recorded.
            body.pop("output", None)
        return Response(body, headers=governing_headers(reply))


def _calls_for(request: Request) -> Any:
    key = request.auth
    if isinstance(key, ApiKey):
        if "calls:read" not in key.scopes:
            raise NotAllowed("This API key may make calls, not read them.")
        calls = Call.objects.select_related("use_case", "deployment", "review_item", "restorable")
        return calls.filter(api_key__use_case_id=key.use_case_id)
    return calls_visible_to(request.user)  # type: ignore[arg-type]  # signed in


@extend_schema(request=None, responses=OpenApiTypes.OBJECT)
class CallCancel(APIView):
    """Cancel an accepted call that no worker has begun."""

    required_permission = "key"

    def post(self, request: Request, pk: UUID) -> Response:
        call: Call = get_or_404(_calls_for(request), pk=pk)
        cancelled = cancel(call=call, now=timezone.now())
        return Response(representation(reply_of_earlier(cancelled)))
