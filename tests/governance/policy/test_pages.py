"""The page of obligations says what the gateway's function says."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.policy.hooks import oversight_gap
from governance.policy.person_names import PERSON, installed
from governance.policy.rules import OVERSIGHT_FLOOR, obligations
from tests.factories.ledger import make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db


def rows_of(html: str) -> list[list[str]]:
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [
            re.sub(r"<[^>]*>", "", cell).strip()
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for row in rows
    ]


def in_words(types: tuple[str, ...]) -> list[str]:
    return [one.replace("_", " ").lower() for one in types if one != PERSON or installed()]


def counted(types: list[str]) -> str:
    """A count that opens to the names, without its tags."""
    plural = "" if len(types) == 1 else "s"
    return f"{len(types)} type{plural}{', '.join(types)}" if types else "nothing"


def test_each_line_is_what_the_pure_function_answers(client: Client) -> None:
    client.force_login(make_person("compliance"))
    rows = rows_of(client.get("/policy/").content.decode())
    pairs = [(s, t) for s in Sensitivity for t in RiskTier if t != RiskTier.UNACCEPTABLE]
    assert [(row[0], row[1]) for row in rows] == pairs
    for (sensitivity, tier), row in zip(pairs, rows):
        obliged = obligations(sensitivity, tier)
        assert row[2] == counted(in_words(obliged.redact))
        assert row[3] == counted(in_words(obliged.restore))
        assert set(row[4].split(", ")) == obliged.hosting
        assert row[5] == OVERSIGHT_FLOOR[tier].replace("_", " ")
        assert row[6] == str(obliged.retention_days)


def test_a_reviewer_has_no_business_there_and_a_stranger_signs_in(client: Client) -> None:
    assert client.get("/policy/").status_code == 302
    client.force_login(make_person("reviewer"))
    assert client.get("/policy/").status_code == 403


@pytest.mark.parametrize(
    ("tier", "declared", "is_enough"),
    [
        (RiskTier.HIGH, Oversight.ALL, True),
        (RiskTier.HIGH, Oversight.ON_FINDING, False),
        (RiskTier.LIMITED, Oversight.ON_FINDING, True),
        (RiskTier.LIMITED, Oversight.SAMPLED, False),
        (RiskTier.MINIMAL, Oversight.NONE, True),
        ("", Oversight.ON_FINDING, False),
    ],
)
def test_the_gate_asks_for_the_oversight_of_the_tier(
    tier: str, declared: Oversight, is_enough: bool
) -> None:
    use_case = make_use_case(make_team(), tier=tier, oversight=declared)
    assert (oversight_gap(use_case, timezone.now()) == "") is is_enough
