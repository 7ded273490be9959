"""The way out for spans and metrics, where an OTLP address is configured; else nothing is loaded.

Batches go out from threads of their own: no call waits for a collector, and one that is down
loses spans, never calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from telemetry.alerts import conventions as names

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SCOPE = "placet"


@dataclass(frozen=True)
class Exporter:
    """What a process tells its collector with."""

    tracers: TracerProvider
    meters: MeterProvider
    tracer: Tracer
    token_usage: Histogram
    duration: Histogram
    first_token: Histogram

    def flush(self) -> None:
        """Send what waits, now."""
        self.tracers.force_flush()
        self.meters.force_flush()

    def close(self) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()


@cache
def exporter() -> Exporter | None:
    """This process's, or None where no address is configured; made at the first question.

    `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and their kin are
    read by OpenTelemetry itself.
    """
    base = settings.OTLP_ENDPOINT.rstrip("/")
    return _made(base) if base else None


def _made(base: str) -> Exporter:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: SCOPE}).merge(OTELResourceDetector().detect())
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))
    meters = MeterProvider([reader], resource=resource)
    meter = meters.get_meter(SCOPE)
    return Exporter(
        tracers,
        meters,
        tracers.get_tracer(SCOPE),
        meter.create_histogram(
            names.TOKEN_USAGE,
            "{token}",
            "Tokens of one request to a model.",
            explicit_bucket_boundaries_advisory=names.TOKEN_BOUNDS,
        ),
        meter.create_histogram(
            names.OPERATION_DURATION,
            "s",
            "How long one request to a model took.",
            explicit_bucket_boundaries_advisory=names.SECOND_BOUNDS,
        ),
        meter.create_histogram(
            names.FIRST_TOKEN,
            "s",
            "How long a streamed answer took to begin.",
            explicit_bucket_boundaries_advisory=names.SECOND_BOUNDS,
        ),
    )
