"""The tree is what the customer fixed, and every endpoint declares its rule."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

from governance.kernel.registries import all_registries, transition_tables
from governance.kernel.transitions import TransitionTable

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    *("manage.py", "pyproject.toml", "README.md", "governance", "prompts", "reviews"),
    *("telemetry", "templates", "static", "tests", "Makefile", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "LICENSE", "requirements.txt"),
}


def test_nothing_stands_beside_the_layout() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {name.split("/")[0] for name in listed}
    assert {name for name in top - ALLOWED if not name.startswith(".")} == set()


def test_the_kernel_stays_small() -> None:
    files = {one.name for one in (ROOT / "governance" / "kernel").glob("*.py")}
    assert len(files - {"__init__.py", "apps.py"}) <= 9


def test_litellm_is_imported_in_one_file() -> None:
    areas = ("governance", "telemetry", "reviews", "prompts")
    files = (one for area in areas for one in (ROOT / area).rglob("*.py"))
    importing = [
        one.relative_to(ROOT).as_posix() for one in files if "import litellm" in one.read_text()
    ]
    assert importing == ["prompts/gateway/translated.py"]


@pytest.mark.django_db
def test_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_registry_is_empty() -> None:
    assert [one.name for one in all_registries() if not len(one)] == []


@pytest.mark.parametrize("table", transition_tables.values(), ids=lambda table: table.name)
def test_every_arrow_leads_and_nothing_else_does(table: TransitionTable) -> None:
    actions = {edge.action for edge in table.edges}
    arrows = {(edge.source, edge.action): edge.target for edge in table.edges}
    for state in table.states:
        for action in actions:
            assert table.allows(state, action) == ((state, action) in arrows)
    assert all(table.target(source, action) == to for (source, action), to in arrows.items())


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one, path)
        else:
            yield path, one


# allauth guards its own pages; sign-up is closed by our adapter.
GUARDED_ELSEWHERE = ("accounts/",)


def test_every_endpoint_declares_its_rule() -> None:
    bare = []
    for path, pattern in _patterns(get_resolver()):
        view = pattern.callback
        declared = getattr(view, "access_rule", None) or getattr(
            getattr(view, "view_class", None), "required_permission", None
        )
        if not declared and not path.startswith(GUARDED_ELSEWHERE):
            bare.append(path)
    assert bare == []
