"""The canonical form is RFC 8785's, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.canonical import canonical_bytes

MOST = 2**53 - 1
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MOST, MOST) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


@given(VALUES)
def test_it_is_what_the_standard_says(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"\ue000": 1, "\U0001f600": 2},  # by 16-bit units the second comes first
        {"\uffff": "", "\U00010000": "", "z": ""},
        '\x00\x1f\x7f\u2028"\\/é',
        {"number": MOST, "text": str(2**60)},
    ],
)
def test_where_writers_differ_the_standard_holds(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), {"deep": [10**30]}])
def test_a_number_that_a_double_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(rfc8785.IntegerDomainError):
        canonical_bytes(value)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError):
        canonical_bytes({"text": "\ud800"})
