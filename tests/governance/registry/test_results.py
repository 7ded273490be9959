"""Is it working? Metrics, measured values and the checklist on the use case's page."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from governance.registry import checking
from governance.registry.models import ChecklistItem, Measurement, SuccessMetric, UseCase
from tests.factories.ledger import NOW, make_person
from tests.factories.registry import make_dataset, queries, score


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_metric_is_added_and_measured(signed_in: Client, use_case: UseCase) -> None:
    url = f"/use-cases/{use_case.slug}/metrics/"
    signed_in.post(url, {"name": "Hours", "unit": "h", "baseline": "10", "target": "4"})
    metric = use_case.metrics.get()
    sent = {"value": "6.5", "on": "2026-11-02", "source": "time sheets"}
    assert signed_in.post(f"{url}{metric.pk}/", sent).status_code == 302
    measured = metric.measurements.get()
    assert (measured.value, measured.on) == (Decimal("6.5"), date(2026, 11, 2))
    assert AuditEvent.objects.filter(action="use_case.measured").count() == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": " "}, "What is measured?"),
        ({"name": "Kept name", "baseline": "ten"}, "Give a number."),
        ({"name": "Kept name", "target": "NaN"}, "at most 14 digits"),
        ({"name": "Kept name", "target": "1e20"}, "at most 14 digits"),
    ],
)
def test_a_metric_that_does_not_fit_is_said_and_kept(
    signed_in: Client, use_case: UseCase, sent: dict[str, str], said: str
) -> None:
    refused = signed_in.post(f"/use-cases/{use_case.slug}/metrics/", sent)
    assert refused.status_code == 422
    assert said in text(refused)
    assert f'value="{sent["name"]}"' in text(refused)
    assert not use_case.metrics.exists()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"value": "many"}, "Give a number."),
        ({"value": ""}, "Give the measured value."),
        ({"value": "5", "on": "2026-02-31"}, "Give a day"),
        ({"value": "5", "on": "soon"}, "Give a day"),
        ({"value": "5", "on": "2999-01-01"}, "cannot be measured yet"),
        ({"value": "Infinity"}, "at most 14 digits"),
    ],
)
def test_a_value_that_does_not_fit_is_said_and_kept(
    signed_in: Client, use_case: UseCase, sent: dict[str, str], said: str
) -> None:
    metric = SuccessMetric.objects.create(use_case=use_case, name="Hours")
    url = f"/use-cases/{use_case.slug}/metrics/{metric.pk}/"
    refused = signed_in.post(url, sent | {"source": "kept words"})
    assert refused.status_code == 422
    assert said in text(refused)
    assert "kept words" in text(refused)
    assert not metric.measurements.exists()


def test_measured_baseline_and_target_are_drawn_and_tabled(
    signed_in: Client, use_case: UseCase
) -> None:
    metric = SuccessMetric.objects.create(
        use_case=use_case, name="Hours", unit="h", baseline=Decimal(10), target=Decimal(4)
    )
    for day, value in ((1, "9"), (8, "7")):
        Measurement.objects.create(metric=metric, value=Decimal(value), on=date(2026, 11, day))
    page = text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    block = re.search(rf'<script id="results-{metric.pk}"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert block is not None
    figure = json.loads(block.group(1))
    assert figure["data"][0]["y"] == [9.0, 7.0]
    assert {one["y0"] for one in figure["layout"]["shapes"]} == {10.0, 4.0}
    assert "Hours: 7 h, 50 % of the way" in figure["layout"]["title"]["text"]
    assert '<td class="number">50 %</td>' in page
    assert '<td class="number">-3</td>' in page
    assert "plotly.min.js" in page


def test_a_metric_without_target_or_values_says_so(signed_in: Client, use_case: UseCase) -> None:
    metric = SuccessMetric.objects.create(use_case=use_case, name="Hours")
    assert "Nothing measured yet" in text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    Measurement.objects.create(metric=metric, value=Decimal(1), on=date(2026, 11, 1))
    page = text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    assert "no baseline" in page
    assert "no target" in page


def test_an_item_is_ticked_once_with_its_evidence(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    item = ChecklistItem.objects.create(use_case=use_case, phase="planning", text="Agree")
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/"
    assert signed_in.post(url, {"evidence": "Minutes"}).status_code == 302
    assert "Minutes" in text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    with pytest.raises(WrongState):
        checking.finish_item(actor=Actor.person(owner), item_id=item.pk, evidence="x", now=NOW)
    assert AuditEvent.objects.filter(action="use_case.item_done").count() == 1


def test_a_viewer_reads_and_has_no_forms(client: Client, use_case: UseCase) -> None:
    client.force_login(make_person("board"))
    page = text(client.get(f"/use-cases/{use_case.slug}/"))
    assert "/metrics/" not in page
    assert "Hand over" not in page
    assert client.post(f"/use-cases/{use_case.slug}/metrics/", {"name": "x"}).status_code == 403


def test_the_page_needs_as_many_queries_for_three_of_each_as_for_one(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    def one_more() -> None:
        metric = SuccessMetric.objects.create(use_case=use_case, name="Hours")
        Measurement.objects.create(metric=metric, value=Decimal(1), on=date(2026, 11, 1))
        ChecklistItem.objects.create(
            use_case=use_case, phase="planning", text="Agree", done_by=owner, done_at=NOW
        )
        make_dataset().use_cases.add(use_case)
        score(use_case, owner)

    url = f"/use-cases/{use_case.slug}/"
    one_more()
    signed_in.get(url)
    one = queries(lambda: signed_in.get(url))
    one_more()
    one_more()
    assert queries(lambda: signed_in.get(url)) == one
