"""A call that is over, told as spans and metrics: names, times and counts, never a text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from governance.model_cards.models import Deployment
from prompts.gateway.context import Attempt, CallContext
from telemetry.alerts import conventions as names
from telemetry.alerts.otlp import Exporter, exporter

if TYPE_CHECKING:
    from opentelemetry.context import Context

log = structlog.get_logger("placet.call")
_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def tell(context: CallContext) -> None:
    """Where a collector is configured. What goes wrong here is no fault of the call."""
    found = exporter()
    if found is None:
        return
    try:
        _tell(found, context)
    except Exception:
        log.exception("not told", call=str(context.call_id))


def _tell(found: Exporter, context: CallContext) -> None:
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    stages = context.trail[context.earlier_stages :]
    whole = found.tracer.start_span(
        "governed call",
        _parent(context.request.traceparent),
        SpanKind.SERVER,
        _attributes(context),
        start_time=_nanoseconds(context.received_at, 0),
    )
    ends_ms = 0
    for stage in stages:
        inside = set_span_in_context(whole)
        started_ms, took_ms = stage["started_ms"], stage["took_ms"]
        ends_ms = max(ends_ms, started_ms + took_ms)
        span = found.tracer.start_span(
            stage["stage"],
            inside,
            SpanKind.INTERNAL,
            {names.STAGE_OUTCOME: stage["outcome"]},
            start_time=_nanoseconds(context.received_at, started_ms),
        )
        for attempt in stage.get("attempts", []):
            _tell_attempt(found, context, attempt, set_span_in_context(span))
        span.end(_nanoseconds(context.received_at, started_ms + took_ms))
    if context.refusal is not None:
        whole.set_attribute(names.ERROR, context.refusal.code)
        if not context.refusal.blocks:
            whole.set_status(Status(StatusCode.ERROR))
    whole.end(_nanoseconds(context.received_at, ends_ms))


def _tell_attempt(
    found: Exporter, context: CallContext, noted: dict[str, Any], inside: Context
) -> None:
    """One request to a provider: the span and both metrics that the conventions ask for."""
    from opentelemetry.trace import SpanKind, Status, StatusCode

    attempt = context.attempts[noted["number"] - 1]
    named = _model(attempt.deployment)
    span = found.tracer.start_span(
        f"{names.CHAT} {named[names.REQUEST_MODEL]}",
        inside,
        SpanKind.CLIENT,
        named | _usage(context, attempt),
        start_time=_nanoseconds(context.received_at, noted["started_ms"]),
    )
    if noted["outcome"] != "answered":
        named[names.ERROR] = noted["outcome"]
        span.set_attribute(names.ERROR, noted["outcome"])
        span.set_status(Status(StatusCode.ERROR))
    span.end(_nanoseconds(context.received_at, noted["started_ms"] + noted["took_ms"]))
    found.duration.record(noted["took_ms"] / 1000, named)
    if attempt.is_billed:
        for kind, count in (
            (names.INPUT, attempt.usage.input),
            (names.OUTPUT, attempt.usage.output),
        ):
            found.token_usage.record(count, named | {names.TOKEN_TYPE: kind})
    if context.first_token_ms is not None and attempt is context.answering:
        found.first_token.record(context.first_token_ms / 1000, named)


def _attributes(context: CallContext) -> dict[str, Any]:
    said: dict[str, Any] = {
        names.CALL_ID: str(context.call_id),
        names.CALL_STATE: str(context.call.state) if context.call else "refused",
        names.CALL_MODE: "internal" if context.request.person else context.request.mode,
        names.SENSITIVITY: str(context.sensitivity),
        names.FINDINGS: sorted({one["code"] for one in context.findings}),
    }
    if context.use_case is not None:
        said[names.USE_CASE] = context.use_case.slug
        said[names.TEAM] = context.use_case.team.slug
    if context.release is not None:
        said[names.PROMPT_VERSION] = str(context.release.version)
    return said


def _model(deployment: Deployment) -> dict[str, Any]:
    """What the metrics are cut by: bounded by the deployments that are registered."""
    provider, _, model = deployment.litellm_model.partition("/")
    return {
        names.OPERATION: names.CHAT,
        names.PROVIDER: provider,
        names.REQUEST_MODEL: model or provider,
        names.DEPLOYMENT: deployment.slug,
    }


def _usage(context: CallContext, attempt: Attempt) -> dict[str, Any]:
    counted: dict[str, Any] = {
        names.ATTEMPT: attempt.number,
        names.REQUEST_MAX_TOKENS: context.max_tokens,
    }
    if attempt.is_billed:
        counted |= {
            names.INPUT_TOKENS: attempt.usage.input,
            names.OUTPUT_TOKENS: attempt.usage.output,
            names.CACHED_TOKENS: attempt.usage.cached_input,
        }
    return counted


def _parent(traceparent: str) -> Context | None:
    """The caller's span, where a W3C traceparent named one."""
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    hit = _PARENT.fullmatch(traceparent)
    if hit is None:
        return None
    trace, span, flags = (int(part, 16) for part in hit.groups())
    caller = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(caller)) if caller.is_valid else None


def _nanoseconds(began: datetime, after_ms: int) -> int:
    moment = began + timedelta(milliseconds=after_ms)
    return int(moment.timestamp() * 1_000_000) * 1_000
