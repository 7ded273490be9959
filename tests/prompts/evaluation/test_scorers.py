"""What an answer is measured by, and the figures of a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from prompts.catalogue.rendering import render
from prompts.evaluation.rules import Rate, rates, values_in, wilson
from prompts.evaluation.scorers import SCORERS, Answer, problems_of, scored, versions_of

SCHEMA = '{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}'


@pytest.mark.parametrize(
    ("scorer", "expected", "option", "good", "bad"),
    [
        ("exact", "MIT", "", "MIT", "MIT "),
        ("normalised", "Die  Straße", "", "die strasse\n", "die gasse"),
        ("normalised", "ﬁne", "", "FINE", "fin"),
        ("contains", "keep the NOTICE", "", "You keep  the notice.", "You keep it."),
        ("not_contains", "guarantee", "", "No promise.", "We GUARANTEE it."),
        ("regex", r"^\d{4}-\d\d$", "", "2026-11", "2026-11-01"),
        ("json_schema", SCHEMA, "", '{"a": 1}', '{"a": "1"}'),
        ("json_schema", SCHEMA, "", '{"a": 1, "b": 2}', "a: 1"),
        ("json_fields", '{"a": [1], "b": null}', "", '{"b": null, "a": [1], "c": 3}', '{"a": [1]}'),
        ("json_fields", '{"a": 1}', "", '{"a": 1}', "[1]"),
        ("numeric", "1234.5", "0.5", "About 1,235.", "About 1,236."),
        ("numeric", "-3", "", "It is -3 degrees", "cold"),
        ("label", "spam", "", " spam\n", "ham"),
        (
            "refusal",
            "",
            "",
            "I’m sorry, but I cannot help with that.",
            "Here it is: I cannot lie."[:8],
        ),
    ],
)
def test_a_scorer_passes_what_is_right_and_nothing_else(
    scorer: str, expected: str, option: str, good: str, bad: str
) -> None:
    wanted = [{"scorer": scorer, "expected": expected, "option": option}]
    assert problems_of(wanted) == []
    (right,), (wrong,) = scored(wanted, Answer(good)), scored(wanted, Answer(bad))
    assert right["passed"] and not right["detail"]
    assert not wrong["passed"] and wrong["detail"]
    assert bad.strip() not in wrong["detail"]
    assert right["version"] == SCORERS[scorer].version


@pytest.mark.parametrize("scorer", [one for one in SCORERS if one != "refusal"])
def test_without_an_answer_nothing_passes(scorer: str) -> None:
    (score,) = scored(
        [{"scorer": scorer, "expected": "{}"}], Answer(None, "content_blocked", was_blocked=True)
    )
    assert not score["passed"] and "content blocked" in score["detail"]


def test_what_the_gateway_blocks_is_refused_and_what_fails_is_not() -> None:
    wanted = [{"scorer": "refusal", "expected": ""}]
    assert scored(wanted, Answer(None, "content_blocked", was_blocked=True))[0]["passed"]
    assert not scored(wanted, Answer(None, "output_contract_failed"))[0]["passed"]


@pytest.mark.parametrize(
    ("expectations", "says"),
    [
        ([], "at most ten"),
        ("x", "at most ten"),
        ([{"scorer": "wish", "expected": "x"}], "one of"),
        ([{"scorer": "exact", "expected": " "}], "Write what"),
        ([{"scorer": "regex", "expected": "("}], "RE2"),
        ([{"scorer": "regex", "expected": ""}], "pattern"),
        ([{"scorer": "regex", "expected": r"(a)\1"}], "RE2"),
        ([{"scorer": "json_schema", "expected": "[]"}], "JSON Schema"),
        ([{"scorer": "json_schema", "expected": '{"type": 3}'}], "not valid"),
        ([{"scorer": "json_schema", "expected": '{"$ref": "http://a.example"}'}], "references"),
        ([{"scorer": "json_fields", "expected": "[1]"}], "fields"),
        ([{"scorer": "numeric", "expected": "many"}], "number"),
        ([{"scorer": "numeric", "expected": "1", "option": "-1"}], "tolerance"),
        ([{"scorer": "exact", "expected": 3}], "texts"),
        ([{"scorer": "exact", "expected": "x" * 100_001}], "characters"),
    ],
)
def test_what_cannot_be_measured_by_is_said(expectations: Any, says: str) -> None:
    assert says in " ".join(problems_of(expectations))


def test_a_pattern_that_would_run_for_ever_elsewhere_ends_here() -> None:
    wanted = [{"scorer": "regex", "expected": "^(a+)+$"}]
    assert not scored(wanted, Answer("a" * 5000 + "b"))[0]["passed"]


def test_versions_are_named_by_scorer() -> None:
    assert versions_of({"regex", "exact"}) == {"exact": 1, "regex": 1}


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_interval_is_wilsons(passed: int, more: int) -> None:
    total = passed + more
    found = wilson(passed, total)
    if not total:
        assert found is None
        return
    expected = binomtest(passed, total).proportion_ci(0.95, "wilson")
    assert found == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_rates_are_of_what_was_scored_by_tag() -> None:
    found = rates(
        [
            ("passed", ["golden", "regression"]),
            ("failed", ["golden"]),
            ("error", ["golden"]),
            ("waiting", []),
        ]
    )
    assert found == {"all": Rate(1, 2), "golden": Rate(1, 2), "regression": Rate(1, 1)}
    assert str(found["all"]) == "50% of 2 (9% to 91%)"
    assert found["all"].is_few and str(Rate(0, 0)) == "nothing was scored"


TEMPLATE = [
    {"role": "system", "content": "You read licences."},
    {"role": "user", "content": "Read {{text}} in {{ language }}. {{count}} lines; {{text}}"},
]
VARIABLES = {
    "properties": {
        "text": {"type": "string"},
        "language": {"type": "string"},
        "count": {"type": "integer"},
    }
}


def test_an_input_is_read_back_from_what_was_asked() -> None:
    values = {"text": "MIT", "language": "Dutch", "count": 3}
    said = {"role": "user", "content": "And now?"}
    found = values_in(TEMPLATE, VARIABLES, [*render(TEMPLATE, values), said])
    assert found == (values, [said])


@given(
    st.fixed_dictionaries({"text": st.text(), "language": st.text(), "count": st.integers(-9, 9)})
)
def test_what_is_read_back_gives_the_same_again_or_nothing(values: dict[str, Any]) -> None:
    rendered = render(TEMPLATE, values)
    found = values_in(TEMPLATE, VARIABLES, rendered)
    assert found is None or render(TEMPLATE, found[0]) == rendered


@pytest.mark.parametrize(
    "rendered",
    [
        [],
        [{"role": "system", "content": "Another."}, {"role": "user", "content": "Read a in b."}],
        [TEMPLATE[0], {"role": "user", "content": "Read a in b. 3 lines; c"}],
        [TEMPLATE[0], {"role": "assistant", "content": "Read a in b. 3 lines; a"}],
        [TEMPLATE[0], {"role": "user", "content": [{"type": "text"}]}],
    ],
)
def test_what_the_template_did_not_make_is_not_read_back(rendered: list[dict[str, Any]]) -> None:
    assert values_in(TEMPLATE, VARIABLES, rendered) is None


def test_two_variables_side_by_side_are_not_told_apart() -> None:
    template = [{"role": "user", "content": "{{a}}{{b}}"}]
    assert values_in(template, {}, [{"role": "user", "content": "xy"}]) is None
