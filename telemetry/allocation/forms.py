"""The form of a rule; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.kernel.web import plain_name
from telemetry.allocation.content import RuleContent, read_content
from telemetry.allocation.registries import pool_sources
from telemetry.allocation.rules import METHOD_WORDS
from telemetry.chargeback.forms import MonthField

LONGEST = 50_000


class FiguresField(forms.CharField):
    """One team a line, as `legal = 40`; gives figures as texts by slug."""

    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        text = super().to_python(value) or ""
        if len(text) > LONGEST:
            raise forms.ValidationError(f"At most {LONGEST:,} characters.")
        figures: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            slug, _, figure = line.replace(":", "=").partition("=")
            slug = slug.strip()
            if slug in figures:
                raise forms.ValidationError(f"Line {number}: {slug} stands twice.")
            figures[slug] = figure.strip().rstrip("%").strip() or "1"
        return figures

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{slug} = {figure}" for slug, figure in value.items())
        return value


class RuleForm(forms.Form):
    """A pool and how it is split."""

    starts_on = MonthField(label="From month")
    ends_on = MonthField(label="Last month", required=False, help_text="Empty: until it changes.")
    source = forms.ChoiceField(required=False, label="Pool taken from")
    amount = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=9,
        label="Amount a month",
        help_text="Where an amount is entered.",
    )
    rate = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=18,
        decimal_places=9,
        label="Rate",
        help_text="Where the pool is taken from a quantity: money for one unit of it.",
    )
    method = forms.ChoiceField(
        label="Split", choices=[(one.value, words) for one, words in METHOD_WORDS.items()]
    )
    figures = FiguresField(
        required=False,
        label="Figures by team",
        help_text="One team a line, as legal = 40. Fixed shares are percent and add up to 100; a "
        "measure is any number, as heads. Split equally, list the teams, or leave it empty for "
        "all that used something.",
    )
    note = forms.CharField(required=False, max_length=300, help_text="What the pool is.")
    reason = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="Why it is split so, in a sentence that who signs can judge.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = [(name, f"{one.label} ({one.unit})") for name, one in pool_sources.items()]
        self.fields["source"].choices = [("", "An amount that is entered"), *sources]  # type: ignore[attr-defined]  # a choice has them

    def content(self) -> RuleContent:
        """What was typed, as the services read it; raises Invalid."""
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        return read_content(given)


class NewRuleForm(RuleForm):
    """With the title of a rule that there is not yet."""

    title = forms.CharField(
        max_length=100, validators=[plain_name], help_text="As statements name it."
    )
    field_order = ("title",)
