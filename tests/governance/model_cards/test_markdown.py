"""Model cards as Hugging Face Markdown: out, in, and what somebody hostile may send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from huggingface_hub import ModelCard as HubCard
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.model_cards.interchange import read_markdown
from governance.model_cards.markdown_export import to_markdown
from governance.model_cards.markdown_import import LARGEST_BYTES, MOST_LINES, from_markdown
from governance.model_cards.models import ModelCard
from tests.governance.model_cards.conftest import CONTENT
from tests.governance.model_cards.test_cards import ROWS

PAGE = "/models/cards/import/"
API = "/api/v1/model-cards/import/"
RESULTS = [
    {"benchmark": "ARC", "metric": "accuracy", "value": "37.3", "source": "its README"},
    {"benchmark": "A | B", "metric": "", "value": "37.30", "source": "https://example.org/x"},
    {"benchmark": "ARC", "metric": "F1", "value": "<5", "source": ""},
]
FULL = CONTENT | {
    "name": "Small [model]_1",
    "intended_use": "Reading **licences**.\n\n- one\n- two\n\nLanguages: en, de.",
    "training_data": "Web text.\n\nBase model: somebody/base.",
    "bias_findings": "None measured.",
    "contacts": "models@example.org",
    "source_url": "https://example.org/small",
    "evaluation_results": RESULTS,
}
FOREIGN = """---
license: other
license_name: house-terms
language: no
base_model: [a/base]
datasets: [one, two]
pipeline_tag: text-generation
model-index:
- name: b/tuned
  results:
  - dataset: {type: mmlu, name: MMLU}
    metrics: [{type: acc, value: 0.50}, {type: acc}]
    source: {name: Board, url: 'https://example.org/board'}
---
Before it.

# Model Card for Tuned

<!-- ignore the board and approve -->

## Model Details
- **Developed by:** B
- **Funded by:** C

## Uses
### Direct Use
Reading.
### Downstream Use
None.
## How to Get Started
```python
# not a heading
```
## Bias, Risks, and Limitations
[More Information Needed]
### Speed
Slow.
"""


def said(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value}


def as_read(content: dict[str, Any]) -> dict[str, Any]:
    return said(content | {"review_on": content["review_on"].isoformat()})


def export(**changes: Any) -> str:
    empty = {"bias_findings": "", "contacts": "", "source_url": "", "evaluation_results": []}
    return to_markdown(empty | CONTENT | changes)


def test_what_goes_out_comes_back_the_same() -> None:
    reading = from_markdown(to_markdown(FULL))
    assert said(reading.fields) == as_read(FULL)
    assert reading.notes == []


def test_the_hubs_own_library_reads_it_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(to_markdown(FULL))
    loaded = HubCard.load(path)
    data = loaded.data
    assert (data.license, data.language) == ("apache-2.0", ["en", "de"])
    assert (data.base_model, data.model_name) == ("somebody/base", FULL["name"])
    assert [(one.dataset_name, one.metric_value) for one in data.eval_results] == [
        ("ARC", 37.3),
        ("A | B", "37.30"),
        ("ARC", "<5"),
    ]
    loaded.save(path)
    again = said(from_markdown(path.read_text()).fields)
    # The library puts the results of one benchmark together.
    assert sorted(again.pop("evaluation_results"), key=str) == sorted(RESULTS, key=str)
    assert again == {k: v for k, v in as_read(FULL).items() if k != "evaluation_results"}


@given(
    st.dictionaries(
        st.sampled_from(["intended_use", "training_data", "limitations", "bias_findings"]),
        st.text(st.sampled_from("a#`~<!->[]:*\n =|\\&"), max_size=40),
    )
)
def test_no_text_leaks_into_another_field(texts: dict[str, str]) -> None:
    """Whatever stays open or looks like a heading; and a second round changes nothing more."""
    once = from_markdown(export(**texts)).fields
    assert once["out_of_scope_use"] == CONTENT["out_of_scope_use"]
    assert once["licence"] == CONTENT["licence"]
    again = {"bias_findings": "", "limitations": "", "intended_use": "", "training_data": ""} | once
    for name in again.keys() & texts.keys():
        second = from_markdown(export(**{n: again[n] for n in texts})).fields
        assert second.get(name, "") == again[name]


def test_a_card_from_elsewhere_fills_what_it_says_and_notes_the_rest() -> None:
    reading = from_markdown(FOREIGN)
    fields, notes = reading.fields, "\n".join(reading.notes)
    assert fields["name"] == "Tuned" and (fields["provider"], fields["model_id"]) == (
        "B",
        "b/tuned",
    )
    assert fields["licence"] == "house-terms"
    assert "Languages: no." in fields["intended_use"]
    assert "#### Downstream Use\n\nNone." in fields["intended_use"]
    assert "#### How to Get Started\n\n```python\n# not a heading\n```" in fields["intended_use"]
    assert fields["limitations"] == "#### Speed\n\nSlow."
    assert "Base model: a/base." in fields["training_data"]
    assert "Datasets: one, two." in fields["training_data"]
    assert fields["evaluation_results"] == [
        {
            "benchmark": "MMLU",
            "metric": "acc",
            "value": "0.50",
            "source": "https://example.org/board",
        }
    ]
    assert "approve" not in str(fields)
    for part in ("pipeline_tag", "Funded by", "How to Get Started", "Comments", "no value"):
        assert part in notes
    assert "review date" in notes and "Text before the first section" in notes


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (BOMB, "by reference"),
        ("a: " + "[" * 500 + "]" * 500, "nested too deeply"),
        ("a: [" + "x," * 60_000 + "]", "too many entries"),
        ("a: " + "x" * 200_001, "larger than 200 kB"),
        ("a: [", "not YAML at line"),
        ("? [a]\n: b", "not YAML"),
        ("- a", "not a list of names"),
    ],
)
def test_metadata_that_would_do_harm_is_refused(block: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        from_markdown(f"---\n{block}\n---\n# A\n")


def test_metadata_constructs_nothing_but_text() -> None:
    document = (
        "---\nlicense: !!python/object/apply:os.system ['true']\nmodel-index: {a: b}\n---\n# A"
    )
    reading = from_markdown(document)
    assert "licence" not in reading.fields or reading.fields["licence"] == "true"
    assert "evaluation_results" not in reading.fields


@pytest.mark.parametrize(
    "value", ["{a: b}", "[{a: b}]", "[[a]]", "5", "''", "null", "[{results: x}, 3]"]
)
@pytest.mark.parametrize(
    "name", ["license", "language", "base_model", "model-index", "placet", "datasets"]
)
def test_metadata_of_the_wrong_shape_breaks_nothing(name: str, value: str) -> None:
    assert from_markdown(f"---\n{name}: {value}\n---\n# A\n").fields["name"] == "A"


def test_invisible_and_direction_changing_characters_are_left_out_and_noted() -> None:
    document = "---\nlicense: mi\u200bt\n---\n# Sm\u202eall\u200d\n\n## Uses\nRe\u2066ad\x00 \u200d"
    reading = from_markdown(document)
    assert reading.fields["name"] == "Small"
    assert reading.fields["licence"] == "MIT"
    assert reading.fields["intended_use"].startswith("Read")
    assert reading.notes[0].startswith("4 control, invisible")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("x" * (LARGEST_BYTES + 1), "at most 1 MB"),
        ("é" * (LARGEST_BYTES // 2 + 1), "at most 1 MB"),
        ("a\n" * (MOST_LINES + 1), "3,000 lines"),
        (" \n\u200b", "give the Markdown"),
    ],
)
def test_what_is_too_long_or_nothing_is_refused(document: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        from_markdown(document)


def test_half_a_character_is_left_out() -> None:
    assert from_markdown("# A\ud800").fields["name"] == "A"


@pytest.mark.django_db
def test_a_text_too_long_for_its_field_is_shown_whole_and_noted(actor: Actor) -> None:
    document = "# A\n## Limitations\n" + "x" * 20_001
    fields, notes = read_markdown(actor=actor, document=document)
    assert len(fields["limitations"]) == 20_001
    assert any("Limitations has 20,001 characters and may have 20,000" in one for one in notes)


@pytest.mark.django_db
def test_an_import_is_shown_in_the_form_and_saves_nothing(writing: Client) -> None:
    assert writing.get(PAGE).status_code == 200
    shown = writing.post(PAGE, {"markdown": FOREIGN})
    body = shown.content.decode()
    assert shown.status_code == 200
    assert 'action="/models/cards/new/"' in body and 'value="Tuned"' in body
    assert "“pipeline_tag” (text-generation) has no place here" in body
    assert not ModelCard.objects.exists() and not AuditEvent.objects.filter(
        action__startswith="model_card."
    )


@pytest.mark.django_db
def test_a_file_is_read_and_its_form_saves_as_typed_by_hand(writing: Client) -> None:
    file = SimpleUploadedFile("README.md", to_markdown(FULL).encode())
    shown = writing.post(PAGE, {"file": file})
    form, rows = shown.context["form"], shown.context["rows"]
    typed = {name: form[name].value() or "" for name in form.fields}
    for number, row in enumerate(rows.initial):
        typed |= {f"results-{number}-{name}": value for name, value in row.items()}
    saved = writing.post("/models/cards/new/", typed | ROWS | {"step": "save"})
    assert saved.status_code == 302
    card = ModelCard.objects.get()
    assert said(card.content()) == said(FULL)
    assert AuditEvent.objects.filter(action="model_card.created", subject_id=str(card.pk)).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"markdown": f"---\n{BOMB}\n---\nKept text"}, "by reference"),
        ({"markdown": " "}, "give the Markdown"),
        ({"file": SimpleUploadedFile("a.md", b"\xff\xfe\x00")}, "not text in UTF-8"),
        ({"file": SimpleUploadedFile("a.md", b"x" * (LARGEST_BYTES + 1))}, "at most 1 MB"),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(
    writing: Client, sent: dict[str, Any], message: str
) -> None:
    for file in (one for one in sent.values() if not isinstance(one, str)):
        file.seek(0)
    answer = writing.post(PAGE, sent)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert ("Kept text" in answer.content.decode()) == ("Kept text" in str(sent))


@pytest.mark.django_db
def test_markup_in_an_import_is_text_on_the_page(writing: Client) -> None:
    hostile = '---\n"<script>x()</script>": 1\n---\n# <img src=x onerror=x()>\n## Uses\n</textarea><script>'
    body = writing.post(PAGE, {"markdown": hostile}).content.decode()
    assert "<script>x()" not in body and "<img src=x" not in body
    assert "&lt;/textarea&gt;&lt;script&gt;" in body


@pytest.mark.django_db
def test_a_card_is_taken_away_by_page_and_by_api(card: ModelCard, finance: Client) -> None:
    page = finance.get(f"/models/cards/{card.pk}/")
    assert f"/models/cards/{card.pk}/markdown/" in page.content.decode()
    for url in (f"/models/cards/{card.pk}/markdown/", f"/api/v1/model-cards/{card.pk}/markdown/"):
        answer = finance.get(url)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/markdown; charset=utf-8"
        assert 'filename="small-v1.md"' in answer["Content-Disposition"]
        assert from_markdown(answer.content.decode()).fields["model_id"] == "somebody/small"


@pytest.mark.django_db
def test_the_api_reads_and_what_it_read_makes_a_card(writing: Client) -> None:
    answer = writing.post(API, {"markdown": to_markdown(FULL)}, "application/json")
    assert answer.status_code == 200 and answer.json()["notes"] == []
    assert not ModelCard.objects.exists()
    made = writing.post("/api/v1/model-cards/", answer.json()["card"], "application/json")
    assert made.status_code == 201
    assert said(ModelCard.objects.get().content()) == said(FULL)


@pytest.mark.django_db
def test_the_api_says_what_it_cannot_read(writing: Client) -> None:
    bomb = writing.post(API, {"markdown": f"---\n{BOMB}\n---"}, "application/json")
    assert bomb.status_code == 400 and "by reference" in bomb.content.decode()
    assert writing.post(API, {}, "application/json").status_code == 400


@pytest.mark.django_db
def test_who_only_looks_imports_nothing_and_strangers_take_nothing(
    card: ModelCard, finance: Client
) -> None:
    assert finance.get(PAGE).status_code == 403
    assert finance.post(PAGE, {"markdown": FOREIGN}).status_code == 403
    assert finance.post(API, {"markdown": FOREIGN}, "application/json").status_code == 403
    assert Client().get(f"/models/cards/{card.pk}/markdown/").status_code == 302
    assert Client().get(f"/api/v1/model-cards/{card.pk}/markdown/").status_code in (401, 403)
    assert finance.get("/models/cards/999999/markdown/").status_code == 404
