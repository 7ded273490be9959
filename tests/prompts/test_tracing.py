"""Spans and metrics reach a collector by OTLP, with the conventions' names and without a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from telemetry.alerts import otlp
from tests.factories.organisation import GOOD, World, provider, world
from tests.factories.serving import serving

pytestmark = pytest.mark.django_db
BODY = {"model": "licence-review", "variables": {"licence_text": "MIT License, jane@example.com"}}
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Collector:
    """What was sent, decoded."""

    spans: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    raw: bytes = b""
    status: int = 200

    def take(self, path: str, body: bytes) -> None:
        self.raw += body
        if path == "/v1/traces":
            for traces in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in traces.scope_spans for span in scope.spans]
        else:
            for told in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics += [one for scope in told.scope_metrics for one in scope.metrics]


@pytest.fixture
def collector(settings: Any) -> Iterator[Collector]:
    taken = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(taken.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    settings.OTLP_ENDPOINT = f"http://127.0.0.1:{server.server_port}"
    otlp.exporter.cache_clear()
    with serving(server):
        yield taken
        if (made := otlp.exporter()) is not None:
            made.close()
        otlp.exporter.cache_clear()


@pytest.fixture
def here() -> World:
    return world()


def attributes(told: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in told.attributes
    }


def ask(here: World, **headers: str) -> Any:
    client = Client(headers={"authorization": f"Bearer {here.key}", **headers})
    return client.post("/v1/chat/completions", BODY, content_type="application/json")


def test_a_call_is_one_trace_of_its_stages_and_attempts(
    here: World, collector: Collector, settings: Any
) -> None:
    with provider(500, GOOD) as model:
        settings.PLACET_MODEL_URL = model.url
        reply = ask(here, traceparent=CALLER)
    sent = otlp.exporter()
    assert sent is not None
    sent.flush()
    by_id = {span.span_id: span for span in collector.spans}
    (root,) = [one for one in collector.spans if one.name == "governed call"]
    assert {span.trace_id.hex() for span in collector.spans} == {CALLER[3:35]}
    assert root.parent_span_id.hex() == CALLER[36:52]
    assert attributes(root)["placet.call.id"] == reply["x-call-id"]
    assert attributes(root)["placet.call.state"] == "held"
    stages = [one.name for one in collector.spans if one.parent_span_id == root.span_id]
    assert stages[0] == "authenticate"
    assert stages[-1] == "dispose"
    failed, answered = [one for one in collector.spans if one.name.startswith("chat ")]
    assert {by_id[one.parent_span_id].name for one in (failed, answered)} == {"invoke"}
    assert attributes(failed)["error.type"] == "unavailable"
    facts = attributes(answered)
    assert (facts["gen_ai.operation.name"], facts["gen_ai.provider.name"]) == ("chat", "openai")
    assert (facts["gen_ai.usage.input_tokens"], facts["gen_ai.usage.output_tokens"]) == (100, 20)
    assert all(
        root.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano
        for one in collector.spans
    )


def test_both_metrics_of_the_conventions_and_no_text(
    here: World, collector: Collector, settings: Any
) -> None:
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        ask(here, traceparent="00-nonsense")
    sent = otlp.exporter()
    assert sent is not None
    sent.flush()
    told = {one.name: one for one in collector.metrics}
    points = told["gen_ai.client.token.usage"].histogram.data_points
    sums = {attributes(one)["gen_ai.token.type"]: one.sum for one in points}
    assert sums == {"input": 100, "output": 20}
    assert told["gen_ai.client.operation.duration"].histogram.data_points[0].count == 1
    for secret in (b"MIT License", b"jane", b"Keep the notice", here.key.encode()):
        assert secret not in collector.raw


def test_a_refused_call_says_why(here: World, collector: Collector) -> None:
    ask(here, authorization="Bearer plc_nobody")
    sent = otlp.exporter()
    assert sent is not None
    sent.flush()
    (root,) = [one for one in collector.spans if one.name == "governed call"]
    assert attributes(root)["error.type"] == "invalid_api_key"


def test_a_collector_that_refuses_harms_no_call(
    here: World, collector: Collector, settings: Any
) -> None:
    collector.status = 400
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        assert ask(here).status_code == 200
    sent = otlp.exporter()
    assert sent is not None
    sent.flush()
    assert collector.raw


def test_where_nothing_is_configured_nothing_is_made(here: World, settings: Any) -> None:
    settings.OTLP_ENDPOINT = ""
    otlp.exporter.cache_clear()
    with provider() as model:
        settings.PLACET_MODEL_URL = model.url
        reply = pipeline.run(GovernedRequest(presented_key=here.key, **BODY))
    assert reply.state == "held"
    assert otlp.exporter() is None
