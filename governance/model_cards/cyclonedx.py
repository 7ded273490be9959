"""A model card as a CycloneDX 1.6 bill of materials for machine learning (ML-BOM). Pure.

https://cyclonedx.org/docs/1.6/json/. The same card, approval and deployments give the same
bytes: the serial number is derived from their digest, the time is the approval's.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.kernel.canonical import digest
from governance.model_cards.licences import is_single, spdx
from governance.model_cards.sections import line_of

# Of our own making, so that our serial numbers meet nobody else's.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://placet.example/cyclonedx")
MODEL_REF = "model"


@dataclass(frozen=True)
class CardFacts:
    """What stands about a card beside its content."""

    slug: str
    version: int
    state: str
    fingerprint: str
    approval_digest: str  # empty when nobody has approved it
    at: datetime  # when its approval began, else when it was written


@dataclass(frozen=True)
class Service:
    """One place at which the model is called."""

    slug: str
    name: str
    provider: str
    endpoint: str
    hosting: str
    region: str
    sensitivity_ceiling: str
    state: str
    is_authenticated: bool


def to_cyclonedx(content: Mapping[str, Any], facts: CardFacts, services: Iterable[Service]) -> str:
    listed = [_service(one) for one in services]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": _serial(facts, listed),
        "version": 1,
        "metadata": {
            "timestamp": facts.at.astimezone(UTC).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "Placet"}]},
        },
        "components": [_component(content, facts)],
        "services": listed,
        "dependencies": [
            {"ref": MODEL_REF},
            *({"ref": one["bom-ref"], "dependsOn": [MODEL_REF]} for one in listed),
        ],
    }
    # Escaped, so that a character that hides or turns text is seen by who reads the file.
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _serial(facts: CardFacts, services: list[dict[str, Any]]) -> str:
    basis = {
        "card": f"{facts.slug}/{facts.version}",
        "content": facts.fingerprint,
        "state": facts.state,
        "approval": facts.approval_digest,
        "services": services,
    }
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, digest(basis))}"


def _component(content: Mapping[str, Any], facts: CardFacts) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        "name": content["model_id"],
        "description": content["name"],
        "supplier": {"name": content["provider"]},
        "modelCard": _model_card(content),
        "properties": _properties(
            card=facts.slug,
            card_version=str(facts.version),
            card_state=facts.state,
            card_digest=f"sha256:{facts.fingerprint}",
            approval_digest=facts.approval_digest and f"sha256:{facts.approval_digest}",
            review_on=content["review_on"].isoformat(),
            contacts=content["contacts"],
        ),
    }
    if content["licence"].strip():
        component["licenses"] = [_licence(content["licence"].strip())]
    if content["source_url"]:
        component["externalReferences"] = [{"type": "documentation", "url": content["source_url"]}]
    return component


def _properties(**values: str) -> list[dict[str, str]]:
    return [{"name": f"placet:{name}", "value": value} for name, value in values.items() if value]


def _licence(licence: str) -> dict[str, Any]:
    expression = spdx(licence)
    if not expression:
        return {"license": {"name": licence}}
    return {"license": {"id": expression}} if is_single(expression) else {"expression": expression}


def _model_card(content: Mapping[str, Any]) -> dict[str, Any]:
    card: dict[str, Any] = {"considerations": _considerations(content)}
    if content["training_data"].strip():
        data = {"type": "dataset", "name": "Training data", "description": content["training_data"]}
        card["modelParameters"] = {"datasets": [data]}
    results = content["evaluation_results"]
    if results:
        card["quantitativeAnalysis"] = {"performanceMetrics": [_metric(row) for row in results]}
    sources = {f"evaluation_source:{n}": row["source"] for n, row in enumerate(results, 1)}
    return card | {"properties": _properties(**sources)}


def _metric(row: Mapping[str, str]) -> dict[str, str]:
    found = {"type": row["metric"] or "score", "value": row["value"]}
    return found | {"slice": row["benchmark"]}


def _considerations(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the card leaves open is left out: an empty text would claim that there is nothing."""
    users = [one.strip() for one in re.split("[,;]", line_of(content["intended_use"], "Users"))]
    uses = [content["intended_use"]]
    if content["out_of_scope_use"].strip():
        uses.append(f"Out of scope: {content['out_of_scope_use']}")
    found: dict[str, list[Any]] = {
        "users": [one for one in users if one],
        "useCases": [one for one in uses if one.strip()],
        "technicalLimitations": [one for one in [content["limitations"]] if one.strip()],
        "ethicalConsiderations": [
            {"name": one} for one in [content["bias_findings"]] if one.strip()
        ],
    }
    return {name: values for name, values in found.items() if values}


def _service(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bom-ref": f"deployment:{service.slug}",
        "name": service.name,
        "authenticated": service.is_authenticated,
        # Content leaves for somebody else's machine.
        "x-trust-boundary": service.hosting == "hosted",
        "properties": _properties(
            hosting=service.hosting,
            region=service.region,
            sensitivity_ceiling=service.sensitivity_ceiling,
            state=service.state,
        ),
    }
    if service.hosting == "hosted":
        found["provider"] = {"name": service.provider}
    if service.endpoint:
        found["endpoints"] = [service.endpoint]
    return found
