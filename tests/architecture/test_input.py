"""Every form field and every API field has limits; names read as they are written.

Forms and API bodies are found, not listed: a new one is in these tests without a line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

AREAS = ("governance.", "prompts.", "reviews.", "telemetry.")
NAMES = frozenset({"name", "title", "slug", "code"})
OVERLONG = "x" * 1_100_000
# An override of direction, no width, another's tag, a break, and half of a surrogate pair.
POISONED = ("pay\u202eroll", "pay\u200broll", "pay\u2066roll", "pay\U000e0041roll", "pay\nroll")

# Texts without a length of their own, each with the reason why that is no hole.
UNLIMITED_FORM_FIELDS = {
    "KeyForm.form_token": "a UUID, or it is refused",
}
UNLIMITED_API_FIELDS: dict[str, str] = {
    "ChangeInput.proposal": "each kind of change checks its own facts; the body is limited",
    "ScoreInput.impact": "only the known dimensions",
    "ScoreInput.effort": "only the known dimensions",
    "ScoreInput.rationales": "only the known dimensions",
    "ConsensusInput.points": "only the known dimensions",
    "HandInInput.points": "only the known dimensions",
    "HandInInput.rationales": "only the known dimensions",
    "RiskInput.answers": "only the known questions",
    "UseCaseInput.framework_answers": "only the known questions",
    "UseCaseChange.framework_answers": "only the known questions",
    "VersionInput.variables": "the service limits what a version says",
    "VersionInput.output_contract": "the service limits what a version says",
    "VersionInput.parameters": "only the known parameters",
    "AllocationProposal.figures": "one figure for each known team, at most a thousand",
    "AllocationSimulation.figures": "one figure for each known team, at most a thousand",
    "ProviderUpload.columns": "only the known fields",
    "ProviderUpload.models": "only the known deployments; the body is limited",
    "CaseInput.variables": "checked against the version's schema when it is run",
    "ReviewCalendarInput.hours": "only the seven weekdays",
    "RenderInput.variables": "checked against the version's schema; nothing is kept",
}


# A reply whose name in the schema a body has too.
REPLIES = frozenset({"governance.approvals.api.ChangeSerializer"})


def subclasses(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def our(kind: type) -> list[type]:
    """All of that kind in our areas; the URLconf has imported every one that answers."""
    assert get_resolver().url_patterns
    found = {one for one in subclasses(kind) if one.__module__.startswith(AREAS)}
    return sorted(found, key=lambda one: (one.__module__, one.__qualname__))


def form_fields() -> Iterator[tuple[str, forms.CharField]]:
    for form in our(forms.BaseForm):
        for name, field in form.base_fields.items():  # type: ignore[attr-defined]
            if isinstance(field, forms.CharField):
                yield f"{form.__name__}.{name}", field


def takes(field: Any, text: str) -> bool:
    """Whether the field lets that text through; a choice or a slug refuses it anyway."""
    try:
        field.clean(text)
    except (forms.ValidationError, serializers.ValidationError):
        return False
    return True


def test_every_text_of_a_form_has_a_limit() -> None:
    endless = [name for name, field in form_fields() if takes(field, OVERLONG)]
    assert sorted(set(endless) - UNLIMITED_FORM_FIELDS.keys()) == [], (
        "give these max_length (a text that is read as something else: see ReadField)"
    )


def test_a_name_in_a_form_reads_as_it_is_written() -> None:
    wrong = [
        (name, text)
        for name, field in form_fields()
        if name.split(".")[1] in NAMES
        for text in POISONED
        if takes(field, text)
    ]
    assert wrong == [], "give these validators=[plain_name] (governance.kernel.web)"


def body_kinds() -> list[type[serializers.Serializer[Any]]]:
    """The serializers that requests are written in, as the schema names them."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    names = set()
    for operations in schema["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            names.add(reference.split("/")[-1].removeprefix("Patched"))
    kinds = [
        one
        for one in our(serializers.Serializer)
        if f"{one.__module__}.{one.__name__}" not in REPLIES
        and (one.__name__ in names or one.__name__.removesuffix("Serializer") in names)
    ]
    assert len(kinds) > 30
    return kinds


def written(kind: type[serializers.Serializer[Any]]) -> Iterator[tuple[str, serializers.Field]]:
    """What of a body is written, with everything inside it."""
    for name, field in kind().fields.items():
        yield from _inside(f"{kind.__name__}.{name}", field)


def _inside(name: str, field: Any) -> Iterator[tuple[str, Any]]:
    if field.read_only:
        return
    yield name, field
    if isinstance(field, serializers.ListSerializer):
        for inner, one in field.child.fields.items():
            yield from _inside(f"{type(field.child).__name__}.{inner}", one)
    elif isinstance(field, serializers.ListField | serializers.DictField):
        yield from _inside(f"{name}[]", field.child)


def is_endless(field: Any) -> bool:
    """Whether nothing limits a text, a list or a free object; choices limit themselves."""
    if isinstance(field, serializers.DictField | serializers.JSONField):
        return True
    limited = serializers.CharField | serializers.ListField | serializers.ListSerializer
    return isinstance(field, limited) and field.max_length is None


def test_a_name_in_an_api_reads_as_it_is_written() -> None:
    wrong = {
        name
        for kind in body_kinds()
        for name, field in written(kind)
        if name.split(".")[1] in NAMES and isinstance(field, serializers.CharField)
        for text in POISONED
        if runs(field, text)
    }
    assert sorted(wrong) == [], "give these validators=[plain_name] (governance.kernel.web)"


def runs(field: Any, text: str) -> bool:
    try:
        field.run_validation(text)
    except serializers.ValidationError:
        return False
    return True


def test_every_text_and_list_of_a_body_has_a_limit() -> None:
    found = {name for kind in body_kinds() for name, field in written(kind) if is_endless(field)}
    assert sorted(found - UNLIMITED_API_FIELDS.keys()) == [], (
        "give these max_length, or a reason in the table above"
    )


def test_every_reason_still_has_its_field() -> None:
    """So that the tables hold no name that a later field could slip in under."""
    bodies = {name for kind in body_kinds() for name, _ in written(kind)}
    assert set(UNLIMITED_FORM_FIELDS) - {name for name, _ in form_fields()} == set()
    assert set(UNLIMITED_API_FIELDS) - bodies == set()
