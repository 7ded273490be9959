"""Names of persons: by a model where one can be imported, else not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from governance.kernel.terms import RiskTier, Sensitivity
from governance.policy import person_names
from governance.policy.screening import replaced, starting_screening
from tests.factories.ledger import make_person

TEXT = "Anna Kowalska asks for a refund; so does anna@example.org."
# What a package of spaCy's is: a module with `load`. This one knows one name.
PACKAGE = """
import spacy

def load(exclude=()):
    made = spacy.blank("en")
    ruler = made.add_pipe("entity_ruler")
    ruler.add_patterns([
        {"label": "PERSON", "pattern": "Anna Kowalska"}, {"label": "ORG", "pattern": "refund"},
    ])
    return made
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "en_core_web_sm.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    person_names.forget()
    yield
    sys.modules.pop("en_core_web_sm", None)
    monkeypatch.undo()
    person_names.forget()


def shown(sensitivity: Sensitivity) -> str:
    return replaced(starting_screening(), [TEXT], sensitivity, RiskTier.MINIMAL).texts[0]


def test_a_name_becomes_a_placeholder(model: None) -> None:
    assert person_names.installed() == {"English": "en_core_web_sm"}
    assert shown(Sensitivity.INTERNAL) == (
        "<PERSON_1> asks for a refund; so does <EMAIL_ADDRESS_1>."
    )


def test_a_name_far_into_a_text_is_found_where_it_stands(model: None) -> None:
    text = "x " * person_names.STRETCH + "Anna Kowalska"
    ((start, end),) = person_names.names_in(text)
    assert text[start:end] == "Anna Kowalska"


def test_without_a_model_nothing_changes() -> None:
    if person_names.installed():
        pytest.skip("a model is installed here")
    assert shown(Sensitivity.REGULATED).startswith("Anna Kowalska asks")
    assert "spacy" not in sys.modules or list(person_names.names_in(TEXT)) == []


@pytest.mark.django_db
def test_the_page_says_whether_names_are_looked_for(model: None) -> None:
    client = Client()
    client.force_login(make_person("safety"))
    assert "<code>en_core_web_sm</code></li>" in client.get("/policy/rules/").content.decode()
    assert ", person" in client.get("/policy/").content.decode()
    sys.modules.pop("en_core_web_sm", None)
    sys.path.pop(0)
    person_names.forget()
    assert "Not looked for" in client.get("/policy/rules/").content.decode()
    assert ", person" not in client.get("/policy/").content.decode()
