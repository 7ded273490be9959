"""The strictest of several policies."""

from __future__ import annotations

from typing import Any

import pytest

from governance.approvals.bundle_rules import strictest


def asks(permission: str, count: int = 1, **more: Any) -> dict[str, Any]:
    return {"permission": permission, "count": count} | more


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ([asks("sign_board")], [asks("sign_board")], [asks("sign_board")]),
        ([asks("sign_board")], [asks("sign_board", 2)], [asks("sign_board", 2)]),
        (
            [asks("sign_board", 2)],
            [asks("sign_budget"), asks("sign_board")],
            [asks("sign_board", 2), asks("sign_budget")],
        ),
        # What is asked for in another manner is asked for as well.
        (
            [asks("sign_board")],
            [asks("sign_board", step=2)],
            [asks("sign_board", step=2), asks("sign_board")],
        ),
    ],
)
def test_every_sign_off_that_any_asks_for_at_its_greatest_count(
    first: list[dict[str, Any]], second: list[dict[str, Any]], together: list[dict[str, Any]]
) -> None:
    for given in ([first, second], [second, first]):
        found = strictest((one, 8, 30) for one in given)
        assert sorted(map(str, found.sign_offs)) == sorted(map(str, together))


def test_the_least_time_and_the_least_validity() -> None:
    found = strictest([([asks("sign_board")], 40, 365), ([asks("sign_board")], 80, 180)])
    assert (found.decision_hours, found.validity_days) == (40, 180)
