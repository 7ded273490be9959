"""The form of a feedback rule; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.access.forms import ServiceForm
from governance.kernel.web import plain_name
from reviews.feedback.models import FeedbackRuleVersion
from reviews.feedback.rule_services import RuleFacts
from reviews.feedback.rules import Thumb
from reviews.intake.forms import NamesField
from reviews.queues.models import Queue

PLAIN = ("queue", "share", "most_open", "priority", "position")


class FeedbackRuleForm(ServiceForm):
    """Conditions, all of which must hold, and where people then look."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(max_length=100, validators=[plain_name])
    use_cases = NamesField(
        required=False,
        longest=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Short names, one per line; empty for every use case.",
    )
    thumbs = forms.MultipleChoiceField(
        choices=[(one.value, f"thumbs {one}") for one in Thumb],
        required=False,
        label="What was said",
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked is no condition.",
    )
    with_text = forms.BooleanField(required=False, label="Only with a text")
    with_correction = forms.BooleanField(required=False, label="Only with a suggested correction")
    queue = forms.ModelChoiceField(Queue.objects.all(), empty_label=None)
    share = forms.DecimalField(
        max_digits=6,
        decimal_places=3,
        label="Share",
        help_text="Percent of the calls that match, drawn by SHA-256 of the call's id.",
    )
    most_open = forms.IntegerField(
        label="At most so many wait",
        help_text="With so many of this rule before people, what comes is kept and opens nothing. "
        "However much is said of one call, there is one item for it.",
    )
    priority = forms.IntegerField(help_text="The priority of the item; more comes first.")
    position = forms.IntegerField(
        help_text="Rules are asked from 0 up; the first that takes a feedback has it."
    )
    reason = forms.CharField(max_length=300, help_text="Why; it stands in the history.")

    def facts(self) -> RuleFacts:
        given = self.cleaned_data
        names = ("name", "use_cases", "thumbs", "with_text", "with_correction", *PLAIN)
        return RuleFacts(**{name: given[name] for name in names})


def rule_values(version: FeedbackRuleVersion | None) -> dict[str, Any]:
    """What the form begins with."""
    if version is None:
        return {"share": 100, "most_open": 50, "priority": 0, "position": 50, "thumbs": ["down"]}
    conditions = version.conditions
    return {name: getattr(version, name) for name in PLAIN} | {
        "seen": version.number,
        "name": version.rule.name,
        "queue": version.queue_id,
        "use_cases": "\n".join(conditions.get("use_cases", [])),
        "thumbs": conditions.get("thumbs", []),
        "with_text": conditions.get("with_text", False),
        "with_correction": conditions.get("with_correction", False),
    }
