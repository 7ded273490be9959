"""Model cards as CycloneDX ML-BOMs, judged by the standard's own schema."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.test import Client

from governance.kernel.authority import Actor
from governance.model_cards import interchange, services
from governance.model_cards.models import Deployment, ModelCard
from tests.factories.ledger import NOW
from tests.factories.organisation import world
from tests.governance.model_cards.conftest import make_card, make_deployment
from tests.governance.model_cards.test_markdown import FULL

pytestmark = pytest.mark.django_db


def bom(card: ModelCard) -> dict[str, Any]:
    text = interchange.cyclonedx(card)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_whole_card_is_a_valid_bill(actor: Actor) -> None:
    intended = f"{FULL['intended_use']}\n\nUsers: lawyers, engineers."
    card = make_card(actor, "full", **FULL | {"intended_use": intended})
    make_deployment(actor, card, "here")
    make_deployment(actor, card, "there", hosting="hosted", endpoint="", secret="s3cret")
    found = bom(card)
    model = found["components"][0]
    assert (model["type"], model["name"]) == ("machine-learning-model", "somebody/small")
    assert model["supplier"] == {"name": "Somebody"}
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    considered = model["modelCard"]["considerations"]
    assert considered["users"] == ["lawyers", "engineers"]
    assert considered["useCases"] == [intended, "Out of scope: Anything else."]
    assert considered["technicalLimitations"] == ["Small."]
    assert considered["ethicalConsiderations"] == [{"name": "None measured."}]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0] == {"type": "accuracy", "value": "37.3", "slice": "ARC"}
    here, there = found["services"]
    assert here["endpoints"] == ["http://models:8000/v1"] and not here["authenticated"]
    assert there["provider"] == {"name": "Somebody"} and there["authenticated"]
    assert "s3cret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("apache-2.0", [{"license": {"id": "Apache-2.0"}}]),
        ("mit or apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("Llama 3 terms", [{"license": {"name": "Llama 3 terms"}}]),
        ("", None),
    ],
)
def test_a_licence_is_named_as_the_standard_wants(
    actor: Actor, licence: str, expected: Any
) -> None:
    card = make_card(actor, "small", licence=licence)
    assert bom(card)["components"][0].get("licenses") == expected


def test_a_draft_with_gaps_claims_nothing(actor: Actor) -> None:
    empty = dict.fromkeys(
        ("intended_use", "out_of_scope_use", "training_data", "limitations", "licence"), ""
    )
    model = bom(make_card(actor, "gaps", **empty))["components"][0]
    assert model["modelCard"] == {"considerations": {}, "properties": []}


def test_text_that_hides_or_turns_is_escaped_and_stays_valid(actor: Actor) -> None:
    card = make_card(actor, "odd", limitations="a\u202eb\u200bc\x7f</script>" + "x" * 20_000)
    assert "\\u202eb\\u200bc" in interchange.cyclonedx(card)
    assert bom(card)


def test_the_same_card_gives_the_same_bytes_and_a_changed_one_another_number(
    actor: Actor, card: ModelCard, deployment: Deployment
) -> None:
    first = interchange.cyclonedx(card)
    assert interchange.cyclonedx(ModelCard.objects.get(pk=card.pk)) == first
    later = NOW + timedelta(days=1)
    services.edit_card(actor=actor, card_id=card.pk, now=later, limitations="Very small.")
    second = bom(ModelCard.objects.get(pk=card.pk))
    assert second["serialNumber"] != json.loads(first)["serialNumber"]


def test_an_approved_card_carries_its_approval_and_its_time() -> None:
    world()
    card = ModelCard.objects.get(state="approved")
    found = bom(card)
    names = {one["name"] for one in found["components"][0]["properties"]}
    assert "placet:approval_digest" in names
    assert found["services"]


def test_a_bill_is_taken_away_by_page_and_by_api(card: ModelCard, finance: Client) -> None:
    page = finance.get(f"/models/cards/{card.pk}/")
    assert f"/models/cards/{card.pk}/cyclonedx/" in page.content.decode()
    for url in (f"/models/cards/{card.pk}/cyclonedx/", f"/api/v1/model-cards/{card.pk}/cyclonedx/"):
        answer = finance.get(url)
        assert answer.status_code == 200
        assert 'filename="small-v1.cdx.json"' in answer["Content-Disposition"]
        assert json.loads(answer.content)["specVersion"] == "1.6"
    assert Client().get(f"/models/cards/{card.pk}/cyclonedx/").status_code == 302
    assert finance.get("/api/v1/model-cards/999999/cyclonedx/").status_code == 404
