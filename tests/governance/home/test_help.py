"""Help is drawn from the tables that the code uses."""

from __future__ import annotations

from itertools import combinations

import pytest
from django.test import Client

from governance.home.diagrams import HEIGHT, WIDTH, diagram_of, ranks_of
from governance.kernel.authority import ROLES
from governance.kernel.registries import transition_tables
from governance.kernel.transitions import Edge, TransitionTable
from tests.factories.organisation import world

TABLES = list(transition_tables.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_and_every_arrow_is_drawn(table: TransitionTable) -> None:
    diagram = diagram_of(table)
    assert sorted(box.state for box in diagram.boxes) == sorted(table.states)
    drawn = [word for arrow in diagram.arrows for word in arrow.label.split(", ")]
    assert sorted(drawn) == sorted(edge.action.replace("_", " ") for edge in table.edges)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_box_covers_another_or_leaves_the_drawing(table: TransitionTable) -> None:
    diagram = diagram_of(table)
    for one, other in combinations(diagram.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    for box in diagram.boxes:
        assert 0 <= box.x <= diagram.width - WIDTH
        assert 0 <= box.y <= diagram.height - HEIGHT
    for arrow in diagram.arrows:
        assert 0 < arrow.x < diagram.width
        assert 0 < arrow.y < diagram.height


def test_a_state_stands_as_far_as_its_shortest_way() -> None:
    edges = (
        Edge("a", "go", "b"),
        Edge("b", "go", "c"),
        Edge("a", "jump", "c"),
        Edge("c", "x", "a"),
    )
    assert ranks_of(TransitionTable("T", "a", edges)) == {"a": 0, "b": 1, "c": 1}


@pytest.mark.django_db
def test_the_page_names_every_role_and_draws_every_machine(client: Client) -> None:
    client.force_login(world().people.users["reviewer"])
    text = client.get("/help/").content.decode()
    assert [role.title for role in ROLES.values() if role.title not in text] == []
    assert text.count('<svg class="diagram"') == len(TABLES)


@pytest.mark.django_db
def test_the_type_of_every_problem_leads_to_its_explanation(client: Client) -> None:
    text = client.get("/help/errors/").content.decode()
    for address in ("/api/v1/nowhere/", "/api/v1/use-cases/a%0Ab/", "/api/v1/use-cases/"):
        path, _, anchor = client.get(address).json()["type"].partition("#")
        assert path == "/help/errors/"
        assert f'id="{anchor}"' in text
    assert 'id="use_case_suspended"' in text
