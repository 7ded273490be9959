"""The recognisers come without spaCy, which is there for whoever asks for it afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest
import re2

from governance.policy.personal_data import _HINTS, _hint, _hints, find_personal_data

ASKS = """
import sys
from governance.policy.personal_data import find_personal_data
found = find_personal_data("Write to anna@example.org, or call +48 22 601 02 03.", {entities})
assert [one.entity for one in found] == {entities}, found
assert not [name for name in sys.modules if name.startswith(("spacy", "thinc"))]
import spacy
assert spacy.blank("en")("One text.").text == "One text."
"""


def test_a_process_that_looks_for_personal_data_loads_no_spacy() -> None:
    code = ASKS.format(entities=["EMAIL_ADDRESS", "PHONE_NUMBER"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


TEXTS = [
    "Nothing of anybody.",
    "Anna, anna@example.org, +48 22 601 02 03",
    "Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00 from 10.0.0.1",
    "AB 12 34 56 C; 12345678Z; X-1234567-L; RSSMRA85T10A562S; 44051401359",
]


@pytest.mark.parametrize("text", TEXTS)
def test_one_pass_names_the_types_that_each_pattern_finds(text: str) -> None:
    assert set(_hints().may_find(text)) == {one for one in _HINTS if _hint(one).search(text)}


def test_a_pass_that_ran_out_of_memory_leaves_no_type_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then RE2 says that nothing matched: also not the empty pattern, which is everywhere."""
    nothing = re2.Set.SearchSet()
    nothing.Add("found nowhere")
    nothing.Compile()
    monkeypatch.setattr(_hints(), "_set", nothing)
    assert _hints().may_find(TEXTS[1]) == [*_HINTS]
    found = find_personal_data(TEXTS[1], ["EMAIL_ADDRESS"])
    assert [one.entity for one in found] == ["EMAIL_ADDRESS"]
