"""What the launcher asks before it touches a database that was there before."""

from __future__ import annotations

import os

import pytest
from django.db import connection

from governance.config.embedded import CannotStart, unknown_migrations


def own_address() -> str:
    base, _, query = os.environ["DATABASE_URL"].partition("?")
    name = str(connection.settings_dict["NAME"])
    return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.mark.django_db(transaction=True)
def test_data_of_another_version_is_named() -> None:
    assert unknown_migrations(own_address()) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('ledger', '0999_later', now()), ('somebody_elses', '0001_initial', now())"
        )
    try:
        assert unknown_migrations(own_address()) == ["ledger 0999_later"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0999_later'")
            cursor.execute("DELETE FROM django_migrations WHERE app = 'somebody_elses'")


@pytest.mark.django_db(transaction=True)
def test_an_empty_database_has_nothing_unknown_and_a_missing_one_is_said() -> None:
    base, _, query = os.environ["DATABASE_URL"].partition("?")
    tail = f"?{query}" if query else ""
    assert unknown_migrations(f"{base.rpartition('/')[0]}/postgres{tail}") == []
    with pytest.raises(CannotStart, match="does not answer"):
        unknown_migrations(f"{base.rpartition('/')[0]}/not_there{tail}")
