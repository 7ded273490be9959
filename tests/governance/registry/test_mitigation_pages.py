"""Mitigations and residual risk by page and over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from tests.factories.ledger import make_person, make_team
from tests.factories.registry import queries, tier_of

JSON = "application/json"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_from_the_mitigation_to_the_confirmed_rest_by_page(
    signed_in: Client, client: Client, use_case: UseCase, assessed: RiskAssessment, owner: User
) -> None:
    page = f"/use-cases/{use_case.slug}/"
    sent = {
        "risk": "It invents",
        "measure": "Look first",
        "owner": owner.pk,
        "due_on": timezone.now().date() + timedelta(days=3),
    }
    assert signed_in.post(f"{page}mitigations/", sent)["Location"] == f"{page}#risk"
    one = Mitigation.objects.get()
    shown = text(signed_in.get(page))
    assert "Against: It invents." in shown
    assert "Not below high" in shown
    bad = signed_in.post(f"{page}mitigations/{one.pk}/", {"evidence": " "})
    assert bad.status_code == 422
    assert "Say what shows it." in text(bad)
    signed_in.post(f"{page}mitigations/{one.pk}/", {"evidence": "Minutes of May."})
    assert "Minutes of May." in text(signed_in.get(page))
    signed_in.post(f"{page}residual/", {"tier": "limited", "rationale": "Somebody looks."})
    shown = text(signed_in.get(page))
    assert "not confirmed yet" in shown
    assert "Confirm limited" not in shown
    client.force_login(make_person("safety"))
    assert "Confirm limited" in text(client.get(page))
    left = ResidualRisk.objects.get()
    assert client.post(f"{page}residual/{left.pk}/").status_code == 302
    assert tier_of(use_case) == "limited"
    assert "confirmed by" in text(client.get(page))


def test_a_form_that_does_not_fit_keeps_what_was_typed(
    signed_in: Client, use_case: UseCase, assessed: RiskAssessment
) -> None:
    page = f"/use-cases/{use_case.slug}/"
    sent = {"risk": "It invents", "measure": "Look", "owner": "x", "due_on": "2099-01-01"}
    bad = signed_in.post(f"{page}mitigations/", sent)
    assert bad.status_code == 422
    assert 'value="It invents"' in text(bad)
    assert "Choose somebody who sees this use case." in text(bad)
    dayless = signed_in.post(f"{page}mitigations/", sent | {"due_on": "soon"})
    assert "Give a day as 2026-11-30." in text(dayless)
    low = signed_in.post(f"{page}residual/", {"tier": "minimal", "rationale": "I hope so."})
    assert low.status_code == 422
    assert "I hope so.</textarea>" in text(low)
    assert "The rules allow high at least" in text(low)
    odd = signed_in.post(f"{page}residual/", {"tier": "none", "rationale": ""})
    assert "Choose a tier." in text(odd)
    assert not ResidualRisk.objects.exists()


def test_an_overdue_mitigation_stands_out(
    signed_in: Client, use_case: UseCase, add: Callable[..., Mitigation], now: datetime
) -> None:
    one = add()
    Mitigation.objects.filter(pk=one.pk).update(due_on=now.date() - timedelta(days=2))
    assert "1 overdue." in text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    assert Mitigation.objects.overdue(now).get() == one
    assert "Not assessed yet." in text(signed_in.get(f"/use-cases/{use_case.slug}/"))


def test_roles_on_the_page(
    client: Client, use_case: UseCase, add: Callable[..., Mitigation]
) -> None:
    page, one = f"/use-cases/{use_case.slug}/", add()
    client.force_login(make_person("board"))
    shown = text(client.get(page))
    assert "A person looks first" in shown
    assert "Add a mitigation" not in shown
    assert client.post(f"{page}mitigations/", {}).status_code == 403
    assert client.post(f"{page}mitigations/{one.pk}/", {"evidence": "x"}).status_code == 403
    assert client.post(f"{page}residual/", {}).status_code == 403
    client.force_login(make_person("owner", make_team()))
    assert client.post(f"{page}mitigations/{one.pk}/", {"evidence": "x"}).status_code == 404


# The API


def test_the_whole_way_over_the_api(
    signed_in: Client, client: Client, use_case: UseCase, assessed: RiskAssessment, owner: User
) -> None:
    url = f"/api/v1/use-cases/{use_case.slug}/"
    body = {"risk": "R", "measure": "M", "owner": owner.pk, "due_on": "2099-01-01"}
    made = signed_in.post(f"{url}mitigations/", body, JSON)
    assert made.status_code == 201
    early = {"tier": "limited", "rationale": "Soon done."}
    refused = signed_in.post(f"{url}residual-risks/", early, JSON)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["tier"])
    done = f"{url}mitigations/{made.json()['id']}/done/"
    assert signed_in.post(done, {"evidence": "Shown."}, JSON).json()["evidence"] == "Shown."
    left = signed_in.post(f"{url}residual-risks/", early, JSON).json()
    confirm = f"{url}residual-risks/{left['id']}/confirm/"
    assert signed_in.post(confirm).status_code == 403
    client.force_login(make_person("safety"))
    assert client.post(confirm).json()["confirmed_at"]
    now = client.get(f"{url}risk/").json()
    assert (now["inherent"], now["residual"]["tier"], now["decides"]) == ("high", *["limited"] * 2)
    assert (now["due"], now["lowest_residual"], now["act_class"]) == ([], "limited", "minimal")
    assert len(client.get(f"{url}residual-risks/").json()["results"]) == 1
    client.force_login(make_person("owner", make_team()))
    for path in ("risk/", "mitigations/", "residual-risks/"):
        assert client.get(url + path).status_code == 404


def test_before_an_assessment_nothing_is_known(signed_in: Client, use_case: UseCase) -> None:
    now = signed_in.get(f"/api/v1/use-cases/{use_case.slug}/risk/").json()
    assert (now["inherent"], now["residual"], now["decides"]) == (None, None, None)


@pytest.mark.parametrize("path", ["/api/v1/use-cases/{}/mitigations/", "/use-cases/{}/", "/"])
def test_more_mitigations_need_no_more_queries(
    signed_in: Client,
    use_case: UseCase,
    assessed: RiskAssessment,
    add: Callable[..., Mitigation],
    path: str,
) -> None:
    add()
    address = path.format(use_case.slug)
    signed_in.get(address)
    one = queries(lambda: signed_in.get(address))
    add(owner=make_person("board"))
    add()
    # The history is read with the page; three events are as many queries as one.
    assert queries(lambda: signed_in.get(address)) == one
