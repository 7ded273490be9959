"""Statements that are built once: any values, the same rows, and no value kept by mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F, Q, Value

from governance.access.models import User
from governance.kernel.statements import Compiled, Statement, executed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _joined(*, person: int, until: datetime) -> Compiled:
    people = User.objects.filter(~Q(pk=person), joined_at__lt=until, name__contains="50 %")
    return people.order_by("name").values_list("name", "is_active").query.sql_with_params()


def _person(name: str, joined_at: datetime = NOW) -> User:
    made = User.objects.create_user(f"{name.split()[0].lower()}@example.org", name)
    User.objects.filter(pk=made.pk).update(joined_at=joined_at)
    return made


def test_it_gives_what_the_query_gives_for_every_value() -> None:
    asked = Statement(_joined, {"person": int, "until": datetime})
    ada, *_ = _person("Ada 50 %"), _person("Bea 50 %"), _person("Cem 100")
    late = _person("Dora 50 %", NOW + timedelta(days=1))
    for person in (ada, late):
        for until in (NOW, NOW + timedelta(hours=1), NOW + timedelta(days=2)):
            people = User.objects.filter(~Q(pk=person.pk), joined_at__lt=until)
            wanted = people.filter(name__contains="50 %").order_by("name")
            rows = asked.run(person=person.pk, until=until)
            assert rows == list(wanted.values_list("name", "is_active"))
    assert len(asked.run(person=late.pk, until=NOW + timedelta(days=2))) == 2


def test_what_is_the_same_each_time_stands_in_the_statement() -> None:
    text = Statement(_joined, {"person": int, "until": datetime}).sql
    assert "$1" in text
    assert "$2" in text
    assert "50 " in text
    assert "%s" not in text


def test_every_kind_of_value_comes_back_as_it_was_given() -> None:
    kinds: dict[str, Any] = {"number": int, "at": datetime, "day": date, "key": UUID}

    def build(**values: Any) -> Compiled:
        order = [values[name] for name in kinds]
        return "SELECT %s::bigint, %s::timestamptz, %s::date, %s::uuid", order

    given = {"number": 7, "at": NOW, "day": NOW.date(), "key": UUID(int=3)}
    assert Statement(build, kinds).run(**given) == [tuple(given.values())]


@pytest.mark.parametrize("number", [1, 40_000, 3_000_000_000])
def test_a_number_of_any_size_is_one_statement_for_the_server(number: int) -> None:
    asked = Statement(lambda *, number: ("SELECT %s", [number]), {"number": int})
    asked.run(number=1)
    before = _prepared()
    assert asked.run(number=number) == [(number,)]
    assert _prepared() == before


def test_a_value_that_is_reckoned_with_is_refused() -> None:
    def build(*, at: datetime) -> Compiled:
        later = User.objects.filter(joined_at__lt=at + timedelta(days=1))
        return later.query.sql_with_params()

    with pytest.raises(RuntimeError, match="was made of its values"):
        Statement(build, {"at": datetime}).run(at=NOW)


def test_a_query_of_another_shape_for_other_values_is_refused() -> None:
    def build(*, number: int) -> Compiled:
        column = F("pk") if number % 2 else Value(1)
        return User.objects.filter(pk=number).values_list(column).query.sql_with_params()

    with pytest.raises(RuntimeError, match="depends on its values"):
        Statement(build, {"number": int}).run(number=1)


def test_the_server_prepares_once_and_django_counts_each(
    django_assert_num_queries: Any,
) -> None:
    with executed("SELECT 41 + %s::int", [1]) as cursor:
        assert cursor.fetchone() == (42,)
    before = _prepared()
    with django_assert_num_queries(2):
        for _ in range(2):
            with executed("SELECT 41 + %s::int", [1]) as cursor:
                cursor.fetchone()
    assert _prepared() == before > 0


def _prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        (count,) = cursor.fetchone()
    return int(count)
