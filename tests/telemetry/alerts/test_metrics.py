"""`/metrics`: read by the library's own parser, exact before and after sealing, closed to others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from telemetry.alerts import metrics
from telemetry.ledger import metrics as call_metrics
from telemetry.ledger import seals
from telemetry.ledger.models import CallTally
from tests.factories.ledger import (
    NOW,
    make_call,
    make_deployment,
    make_settled,
    make_use_case,
)
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db


def samples() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of the exposition by name and labels, as Prometheus reads it."""
    text = metrics.exposition(NOW).decode()
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def value(name: str, **labels: str) -> float:
    found = samples()
    return found[name, tuple(sorted(labels.items()))]


def test_counters_are_exact_whatever_is_sealed() -> None:
    use_case, deployment = make_use_case(), make_deployment()
    for latency_ms in (5, 1280, 1281, 100_000):
        make_settled(use_case, deployment=deployment, latency_ms=latency_ms)
    make_settled(use_case, deployment=deployment, outcome="fail", refusal_code="provider_error")
    make_call(use_case)
    where = {"use_case": use_case.slug, "deployment": deployment.slug}
    unsealed = samples()
    seals.seal_settled(now=NOW)
    assert CallTally.objects.exists()
    assert samples() == unsealed
    make_settled(use_case, deployment=deployment, latency_ms=6)
    seals.seal_settled(now=NOW)
    assert value("placet_calls_total", outcome="deliver", reason="", **where) == 5
    assert value("placet_calls_total", outcome="fail", reason="provider_error", **where) == 1
    assert value("placet_call_tokens_total", kind="input", **where) == 600
    assert value("placet_call_cost_total", currency="USD", **where) == 3.0
    bucket = "placet_call_duration_seconds_bucket"
    assert value(bucket, le="0.01", **where) == 2
    assert value(bucket, le="1.28", **where) == 3
    assert value(bucket, le="2.56", **where) == 4
    assert value(bucket, le="+Inf", **where) == 5
    assert value("placet_call_duration_seconds_sum", **where) == pytest.approx(102.572)
    assert value("placet_calls_open", state="admitted") == 1


def test_reading_them_costs_the_same_for_one_and_three() -> None:
    make_settled()
    once = queries(lambda: metrics.exposition(NOW))
    for _ in range(2):
        make_settled()
    assert queries(lambda: metrics.exposition(NOW)) == once


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "MOST_NAMED", 1)
    first = make_settled()
    for _ in range(3):
        make_settled(end_user_hash="a" * 64, task_id="task", prompt_label="Prompt v1")
    text = metrics.exposition(NOW).decode()
    names = {
        one.labels["use_case"]
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if "use_case" in one.labels
    }
    assert names == {first.use_case.slug, "other"}
    assert "task" not in text
    where = {"use_case": "other", "deployment": "other"}
    assert value("placet_calls_total", outcome="deliver", reason="", **where) == 3


@pytest.mark.parametrize(
    ("key", "headers", "address", "status"),
    [
        ("", {}, "127.0.0.1", 200),
        ("", {}, "::1", 200),
        ("", {}, "10.0.0.7", 403),
        ("", {}, "", 403),
        ("", {"x-forwarded-for": "127.0.0.1"}, "127.0.0.1", 403),
        ("", {"authorization": "Bearer "}, "10.0.0.7", 403),
        ("s3cret", {}, "127.0.0.1", 403),
        ("s3cret", {"authorization": "Bearer other"}, "10.0.0.7", 403),
        ("s3cret", {"authorization": "Bearer s3crét"}, "10.0.0.7", 403),
        ("s3cret", {"authorization": "Basic s3cret"}, "10.0.0.7", 403),
        ("s3cret", {"authorization": "Bearer s3cret"}, "10.0.0.7", 200),
    ],
)
def test_who_may_scrape(
    client: Client, settings: Any, key: str, headers: dict[str, str], address: str, status: int
) -> None:
    settings.PLACET_METRICS_KEY = key
    reply = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert reply.status_code == status
    assert (b"placet_calls_open" in reply.content) == (status == 200)


def test_a_process_reads_the_database_once_in_some_seconds() -> None:
    kept = metrics.Kept()
    assert queries(kept.text) > 0
    assert queries(kept.text) == 0
