"""A use case is chosen by a select while they are few, by a search box when they are many."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test import Client

from governance.access.picking import MOST_OFFERED
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseField, UseCaseNamesField
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.reviews import signed_in

pytestmark = pytest.mark.django_db


class Form(forms.Form):
    use_case = UseCaseField(UseCase.objects.all())


def chosen(typed: Any) -> Any:
    form = Form({"use_case": typed})
    return form.cleaned_data["use_case"] if form.is_valid() else form.errors["use_case"][0]


@pytest.fixture
def many() -> list[UseCase]:
    team = make_team()
    return [
        make_use_case(team, title=f"Letters {number:02}", slug=f"letters-{number:02}")
        for number in range(MOST_OFFERED + 1)
    ]


def test_few_are_a_select() -> None:
    one = make_use_case(title="Letters", slug="letters")
    drawn = str(Form()["use_case"])
    assert f'<option value="{one.slug}">Letters</option>' in drawn
    assert "<input" not in drawn


def test_many_are_a_search_box_with_a_page_of_suggestions(many: list[UseCase]) -> None:
    drawn = str(Form()["use_case"])
    assert "<select" not in drawn
    assert drawn.count("<option") == MOST_OFFERED
    narrowed = str(Form(initial={"use_case": "letters 50"})["use_case"])
    assert 'value="letters 50"' in narrowed
    assert '<option value="letters-50">Letters 50</option>' in narrowed


def test_what_is_typed_is_found_by_slug_number_or_title(many: list[UseCase]) -> None:
    assert chosen("letters-07") == many[7]
    assert chosen(str(many[8].pk)) == many[8]
    assert chosen("LETTERS 09") == many[9]
    assert chosen("10") == UseCase.objects.filter(pk=10).first() or many[10]
    assert chosen("nothing of the kind").startswith("Select a valid choice")
    several = chosen("Letters")
    assert several.startswith("Several are like that: letters-00, letters-01")
    assert several.endswith("and more. Type one short name.")


def test_only_what_is_offered_can_be_typed(many: list[UseCase]) -> None:
    class Narrow(forms.Form):
        use_case = UseCaseField(UseCase.objects.exclude(pk=many[0].pk))

    assert not Narrow({"use_case": many[0].slug}).is_valid()
    assert not Narrow({"use_case": str(many[0].pk)}).is_valid()
    assert not Narrow({"use_case": many[0].title}).is_valid()


def test_several_are_named_one_per_line(many: list[UseCase]) -> None:
    field = UseCaseNamesField(UseCase.objects.all(), required=False)
    assert field.clean("letters-03\n letters-01, letters-03") == [many[3], many[1]]
    assert field.clean("") == []
    assert field.prepare_value(many[:2]) == "letters-00\nletters-01"
    with pytest.raises(forms.ValidationError, match="No use case has the short name other"):
        field.clean("letters-01\nother")


@pytest.mark.parametrize("path", ["/incidents/declare/", "/keys/new/"])
def test_a_page_offers_at_most_fifty(path: str, many: list[UseCase]) -> None:
    client: Client = signed_in(make_person("administrator"))
    if client.get(path).status_code == 403:
        client = signed_in(make_person("owner", many[0].team))
    page = client.get(path).content.decode()
    assert page.count('<option value="letters-') == MOST_OFFERED
    narrowed = client.get(path, {"use_case": "letters 50"}).content.decode()
    assert 'value="letters-50"' in narrowed
