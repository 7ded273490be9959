"""The form of a policy's next version: counts by role, and lines that say more."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.approvals.policies import LEAST_HOURS, MOST_DAYS, MOST_HOURS, PolicyContent
from governance.approvals.rules import SIGNING, signs_as
from governance.approvals.shapes import MOST_OF_ONE, MOST_STEPS, SignOff

FEWEST_LINES = 3
_ROLES = [(one.value, signs_as(one)) for one in SIGNING]


def _roles(label: str, help_text: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=_ROLES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=label,
        help_text=help_text,
    )


def _whole(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        min_value=least, max_value=most, required=False, label=label, help_text=help_text
    )


def _line(number: int) -> dict[str, forms.Field]:
    """One line that says more than a count: who, how many or what share, in which step."""
    return {
        f"roles_{number}": _roles(
            f"Line {number}: who", "One signature of any of these fills one sign-off."
        ),
        f"count_{number}": _whole(f"Line {number}: how many", 1, MOST_OF_ONE),
        f"share_{number}": _whole(
            f"Line {number}: or percent of all who may",
            1,
            100,
            "Counted when a request is opened, rounded up: 50 is half of them.",
        ),
        f"step_{number}": _whole(
            f"Line {number}: step",
            1,
            MOST_STEPS,
            "Empty is 1, together with the counts above; step 2 signs once all of step 1 have.",
        ),
    }


class PolicyForm(forms.Form):
    """Who signs one kind of change at one tier, how fast, and for how long it holds."""

    veto = _roles(
        "May stop it",
        "Whoever holds the role may reject at any step, also without a sign-off of their own.",
    )
    decision_hours = forms.IntegerField(
        min_value=LEAST_HOURS,
        max_value=MOST_HOURS,
        label="Working hours to decide",
        help_text="Eight make a working day; weekends do not count.",
    )
    validity_days = forms.IntegerField(
        min_value=1, max_value=MOST_DAYS, label="Days an approval is valid"
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        label="Why",
        help_text="What is better then, in a sentence that those who sign can judge.",
    )

    def __init__(self, *args: Any, content: PolicyContent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"initial": _initial(content)})
        counts: dict[str, forms.Field] = {
            one.value: _whole(signs_as(one), 0, MOST_OF_ONE) for one in SIGNING
        }
        self.numbers = range(1, max(FEWEST_LINES, len(content.shaped) + 1) + 1)
        lines: dict[str, forms.Field] = {}
        for number in self.numbers:
            lines |= _line(number)
        self.names = (list(counts), list(lines), list(self.fields))
        self.fields = counts | lines | self.fields

    def counts(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names[0]]

    def lines(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names[1]]

    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in self.names[2]]

    def shows_lines(self) -> bool:
        """Whether any is filled in or has an error, so that they are not folded away."""
        return any(one.errors or one.value() for one in self.lines())

    def clean(self) -> dict[str, Any]:
        """A line has roles, and either a count or a share."""
        given = super().clean() or self.cleaned_data
        for number in self.numbers:
            roles = given.get(f"roles_{number}")
            count, share = given.get(f"count_{number}"), given.get(f"share_{number}")
            failed = {f"{name}_{number}" for name in ("count", "share", "roles")} & set(self.errors)
            if failed:
                continue
            if not roles and (count or share):
                self.add_error(f"roles_{number}", "Choose who signs.")
            elif roles and bool(count) == bool(share):
                self.add_error(f"count_{number}", "Say how many, or what share; one of the two.")
        return given

    def as_proposal(self) -> dict[str, Any]:
        given = self.cleaned_data
        counts = [{"permission": one.value, "count": given[one.value] or 0} for one in SIGNING]
        lines = [_as_line(given, n).as_json() for n in self.numbers if given[f"roles_{n}"]]
        facts = {name: given[name] for name in ("decision_hours", "validity_days", "veto")}
        return {"sign_offs": counts + lines, **facts}


def _as_line(given: dict[str, Any], number: int) -> SignOff:
    roles, count = given[f"roles_{number}"], given[f"count_{number}"]
    share, step = given[f"share_{number}"], given[f"step_{number}"]
    return SignOff(tuple(roles), count or 0, share, step or 1)


def _initial(content: PolicyContent) -> dict[str, Any]:
    found = content.counts | content.as_proposal()
    for number, line in enumerate(content.shaped, 1):
        found |= {
            f"roles_{number}": list(line.roles),
            f"count_{number}": line.count or None,
            f"share_{number}": line.share,
            f"step_{number}": line.step,
        }
    return found
