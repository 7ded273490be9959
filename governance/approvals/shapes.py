"""What a policy asks for: roles, counts and shares, in steps, and who may stop it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from governance.approvals.rules import SIGNING, signs_as

MOST_OF_ONE = 5
MOST_STEPS = 6
MOST_SIGN_OFFS = 12

Problems = dict[str, list[str]]
_ORDER = {one.value: place for place, one in enumerate(SIGNING)}
_EACH_ONCE = f"Each once in a step, of {', '.join(SIGNING)}."


@dataclass(frozen=True)
class SignOff:
    """One line of a policy: who may give it, how many, and in which step.

    One signature of any of the roles fills one. With `share` it is that percentage of all who
    may give it when a request is opened, instead of `count`. Steps are taken in order: the
    slots of a step can be filled once those of all smaller steps are.
    """

    roles: tuple[str, ...]
    count: int = 0
    share: int | None = None
    step: int = 1

    @property
    def asks_nothing(self) -> bool:
        return self.share is None and self.count == 0

    @property
    def is_plain(self) -> bool:
        """A count of one role in the first step: all that a policy could say at first."""
        return len(self.roles) == 1 and self.share is None and self.step == 1

    def needed(self, holders: int) -> int:
        """How many slots it makes: a share is rounded up, and never less than one."""
        if self.share is None:
            return self.count
        return max(1, -(-self.share * holders // 100))

    def as_json(self) -> dict[str, object]:
        """As it stands in the policy; what is left out is one role, a count, the first step."""
        written: dict[str, object] = {"permission": self.roles[0]}
        if self.share is None:
            written["count"] = self.count
        else:
            written["share"] = self.share
        if len(self.roles) > 1:
            written["any_of"] = list(self.roles[1:])
        if self.step > 1:
            written["step"] = self.step
        return written

    def as_field(self) -> tuple[str, int | str]:
        """Name and value for the content that is decided on; no two lines share a name."""
        name = " or ".join(self.roles)
        if self.step > 1:
            name = f"step {self.step}: {name}"
        return name, self.count if self.share is None else f"{self.share} % of all who may"

    def in_words(self) -> str:
        """As in "2 × Board member or Safety officer", "half of all who sign as Board member"."""
        who = titles(self.roles)
        if self.share is None:
            return f"{self.count} × {who}"
        return f"{_PARTS.get(self.share, f'{self.share} % of all')} who sign as {who}"


_PARTS = {50: "half of all", 100: "all"}


def titles(roles: Iterable[str]) -> str:
    """As in "Board member or Safety officer"."""
    return " or ".join(signs_as(one) for one in roles)


def shape_of(stored: Mapping[str, Any]) -> SignOff:
    """From what a policy in force says; it was checked when it was proposed."""
    roles = (str(stored["permission"]), *map(str, stored.get("any_of") or ()))
    share = stored.get("share")
    return SignOff(roles, stored.get("count") or 0, share, stored.get("step") or 1)


def roles_of(sign_offs: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every role that signs somewhere, each once."""
    named = [role for one in sign_offs for role in shape_of(one).roles]
    return tuple(dict.fromkeys(named))


def in_words(sign_offs: Iterable[SignOff], veto: Sequence[str] = ()) -> str:
    """As in "1 × Compliance, then half of all who sign as Board member"."""
    steps = groupby(sorted(sign_offs, key=_place), key=lambda one: one.step)
    asked = ", then ".join(", ".join(one.in_words() for one in lines) for _, lines in steps)
    return f"{asked}; {titles(veto)} may stop it" if veto else asked


def read_sign_offs(given: Any, problems: Problems) -> tuple[SignOff, ...]:
    """The lines from facts that are not trusted, in order, zeros left out."""
    found: dict[tuple[int, tuple[str, ...]], SignOff] = {}
    for one in given if isinstance(given, list) else []:
        line = _line(one, problems)
        if line is None or line.asks_nothing:
            continue
        if (line.step, line.roles) in found:
            problems["sign_offs"] = [_EACH_ONCE]
        found[line.step, line.roles] = line
    asked = sorted(found.values(), key=_place)
    steps = {one.step for one in asked}
    if not asked:
        problems.setdefault("sign_offs", ["Somebody must sign: ask for at least one sign-off."])
    elif len(asked) > MOST_SIGN_OFFS:
        problems.setdefault("sign_offs", [f"At most {MOST_SIGN_OFFS} kinds of sign-off."])
    elif steps != set(range(1, len(steps) + 1)):
        problems.setdefault("sign_offs", ["Number the steps from 1 on, without a gap."])
    return tuple(asked)


def _place(line: SignOff) -> tuple[int, list[int]]:
    return line.step, [_ORDER[role] for role in line.roles]


def _line(one: Any, problems: Problems) -> SignOff | None:
    if not isinstance(one, Mapping):
        problems["sign_offs"] = [_EACH_ONCE]
        return None
    roles = _roles([one.get("permission"), *_listed(one.get("any_of"))])
    if not roles:
        problems["sign_offs"] = [_EACH_ONCE]
        return None
    # Beside the field of the form, where there is one.
    where = roles[0] if len(roles) == 1 else "sign_offs"
    count, share, step = one.get("count"), one.get("share"), one.get("step") or 1
    if not _is_whole(step, 1, MOST_STEPS):
        problems[where] = [f"A step is a whole number from 1 to {MOST_STEPS}."]
    elif share is None and not _is_whole(count, 0, MOST_OF_ONE):
        problems[where] = [f"A whole number from 0 to {MOST_OF_ONE}."]
    elif share is not None and (count or not _is_whole(share, 1, 100)):
        problems[where] = ["A share is a whole number from 1 to 100, instead of a count."]
    else:
        return SignOff(roles, count or 0, share, step)
    return None


def read_veto(given: Any, problems: Problems) -> tuple[str, ...]:
    """The roles that may stop a request, each once."""
    listed = _listed(given)
    roles = _roles(listed)
    if listed and not roles:
        problems["veto"] = [f"Of {', '.join(SIGNING)}."]
    return roles


def _listed(given: Any) -> list[Any]:
    """Nothing is an empty list; what is no list is one thing that will not fit."""
    if not given:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _roles(given: list[Any]) -> tuple[str, ...]:
    """In their order, each once; empty when one of them signs nothing."""
    if any(not isinstance(one, str) or one not in _ORDER for one in given):
        return ()
    return tuple(sorted(set(given), key=_ORDER.__getitem__))


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
