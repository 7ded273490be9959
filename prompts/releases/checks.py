"""What a release asks beside the answer itself: a second opinion, and how sure the model was. Pure.

It is part of what the board decides on: flat, JSON-plain, in whole numbers, empty where a
release asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIONS = ("note", "hold", "block")
"""What is done: written on the call; a person looks first; it never leaves."""
JUDGE = "judge"
INSTRUCTION = "judge_instruction"
ON_DOUBT = "judge_on_doubt"
ON_FAIL = "judge_on_fail"
WITHOUT_VERDICT = "judge_without_verdict"
LIKELIHOODS = "token_probabilities"
HOLD_BELOW = "hold_below_percent"
DEFAULT_ACTIONS = {ON_DOUBT: "hold", ON_FAIL: "hold", WITHOUT_VERDICT: "hold"}
NAMES = (JUDGE, INSTRUCTION, *DEFAULT_ACTIONS, LIKELIHOODS, HOLD_BELOW)
LONGEST_INSTRUCTION = 8_000


@dataclass(frozen=True)
class Checks:
    """What a release asks for. `judge` is a deployment's id; percent are whole, 0 asks nothing."""

    judge: int | None = None
    instruction: str = ""
    on_doubt: str = "hold"
    on_fail: str = "hold"
    without_verdict: str = "hold"
    token_probabilities: bool = False
    hold_below_percent: int = 0

    @property
    def may_keep_back(self) -> bool:
        """Whether an answer must be whole before anything of it may leave."""
        return self.judge is not None or self.hold_below_percent > 0

    def action_on(self, verdict: str) -> str:
        """note, hold, block, or nothing at all for a pass."""
        chosen = {"doubt": self.on_doubt, "fail": self.on_fail, "pass": ""}
        return chosen.get(verdict, self.without_verdict)


NOTHING = Checks()


def checks_of(plain: Mapping[str, Any]) -> Checks:
    """A release's own, as it was decided on."""
    if not plain:
        return NOTHING
    return Checks(
        judge=plain.get(JUDGE),
        instruction=str(plain.get(INSTRUCTION, "")),
        on_doubt=str(plain.get(ON_DOUBT, "hold")),
        on_fail=str(plain.get(ON_FAIL, "hold")),
        without_verdict=str(plain.get(WITHOUT_VERDICT, "hold")),
        token_probabilities=bool(plain.get(LIKELIHOODS)),
        hold_below_percent=int(plain.get(HOLD_BELOW, 0)),
    )


def read_checks(given: Any) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """As they are kept, without what asks for nothing; and the problems by field."""
    if given is None:
        return {}, {}
    if not isinstance(given, dict):
        return {}, {"checks": ["An object."]}
    problems: dict[str, list[str]] = {}
    if strange := sorted(str(one) for one in given.keys() - set(NAMES)):
        problems["checks"] = [f"“{strange[0][:60]}” is none of {', '.join(NAMES)}."]
    kept = _judge(given, problems)
    sure = given.get(LIKELIHOODS, False)
    if not isinstance(sure, bool):
        problems[LIKELIHOODS] = ["True or false."]
    elif sure:
        kept[LIKELIHOODS] = True
    below = given.get(HOLD_BELOW, 0)
    if type(below) is not int or not 0 <= below <= 100:
        problems[HOLD_BELOW] = ["A whole number of percent, from 0 to 100."]
    elif below:
        kept[HOLD_BELOW] = below
        if not sure and JUDGE not in kept:
            problems[HOLD_BELOW] = [
                "Nothing would say how sure the answer is: ask for token probabilities or a judge."
            ]
    return kept, problems


def _judge(given: dict[str, Any], problems: dict[str, list[str]]) -> dict[str, Any]:
    """All of it, or nothing where no judge is named."""
    judge, instruction = given.get(JUDGE), given.get(INSTRUCTION, "")
    if judge is None:
        if isinstance(instruction, str) and instruction.strip():
            problems[JUDGE] = ["Choose who judges by this instruction."]
        return {}
    if type(judge) is not int or not 0 < judge < 2**63:
        problems[JUDGE] = ["The number of a deployment."]
    if not isinstance(instruction, str) or not instruction.strip() or "\x00" in instruction:
        problems[INSTRUCTION] = ["Say by what the answer is judged."]
    elif len(instruction) > LONGEST_INSTRUCTION:
        problems[INSTRUCTION] = [f"At most {LONGEST_INSTRUCTION:,} characters."]
    kept = {JUDGE: judge, INSTRUCTION: str(instruction).strip().replace("\r\n", "\n")}
    for name, default in DEFAULT_ACTIONS.items():
        kept[name] = given.get(name, default)
        if kept[name] not in ACTIONS:
            problems[name] = [f"One of {', '.join(ACTIONS)}."]
    return kept
