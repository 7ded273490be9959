"""The form of an intake rule; the services check the same again."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from governance.access.forms import ServiceForm
from governance.kernel.terms import RiskTier, Sensitivity
from governance.kernel.web import plain_name
from reviews.intake.models import IntakeRuleVersion
from reviews.intake.rules import EFFECT_WORDS, Effect
from reviews.intake.services import RuleFacts
from reviews.queues.forms import ReadField
from reviews.queues.models import Queue
from telemetry.ledger.rules import CallMode

LISTS = ("use_cases", "tiers", "sensitivities", "modes", "findings", "finding_rules")


class NamesField(ReadField):
    """Names, one per line or separated by commas; each once."""

    def to_python(self, value: Any) -> Any:
        parts = re.split(r"[\s,]+", super().to_python(value))
        return list(dict.fromkeys(one for one in parts if one))


def _several(words: Any, label: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=[(one.value, one.value.replace("_", " ")) for one in words],
        required=False,
        label=label,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked is no condition.",
    )


class IntakeRuleForm(ServiceForm):
    """Conditions, all of which must hold, and what then happens."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(max_length=100, validators=[plain_name])
    use_cases = NamesField(
        required=False,
        longest=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Short names, one per line; empty for every use case.",
    )
    tiers = _several(RiskTier, "Risk tiers")
    sensitivities = _several(Sensitivity, "Sensitivities")
    modes = _several(CallMode, "Call modes")
    findings = NamesField(
        required=False,
        longest=4000,
        label="Kinds of finding",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Codes such as personal_data; any one of them is enough.",
    )
    finding_rules = NamesField(
        required=False,
        longest=4000,
        label="Rules of the screens",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Names of rules that found something; any one of them is enough.",
    )
    confidence_below = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=1,
        help_text="From 0 to 1; a confidence that is not known counts as low.",
    )
    effect = forms.ChoiceField(
        choices=[(one.value, EFFECT_WORDS[one]) for one in Effect], label="Then"
    )
    queue = forms.ModelChoiceField(Queue.objects.all(), empty_label=None)
    share = forms.DecimalField(
        initial=100,
        max_digits=6,
        decimal_places=3,
        label="Share",
        help_text="Percent of the calls that match, drawn by SHA-256 of the call's id.",
    )
    priority = forms.IntegerField(
        initial=0, help_text="Added to the priority of the item; more comes first."
    )
    position = forms.IntegerField(
        initial=50, help_text="Rules are asked from 0 up; the first that takes a call has it."
    )
    reason = forms.CharField(max_length=300, help_text="Why; it stands in the history.")

    def facts(self) -> RuleFacts:
        given = self.cleaned_data
        conditions = {name: given[name] for name in LISTS}
        names = ("name", "queue", "effect", "share", "priority", "position")
        return RuleFacts(
            **{name: given[name] for name in names},
            conditions=conditions | {"confidence_below": given["confidence_below"]},
        )


def rule_values(version: IntakeRuleVersion | None) -> dict[str, Any]:
    """What the form begins with."""
    if version is None:
        return {"share": 100, "priority": 0, "position": 50}
    values: dict[str, Any] = {
        name: getattr(version, name) for name in ("effect", "share", "priority", "position")
    }
    conditions = version.conditions
    texts = {
        name: "\n".join(conditions.get(name, []))
        for name in ("use_cases", "findings", "finding_rules")
    }
    ticks = {name: conditions.get(name, []) for name in ("tiers", "sensitivities", "modes")}
    return (
        values
        | texts
        | ticks
        | {
            "name": version.rule.name,
            "queue": version.queue_id,
            "seen": version.number,
            "confidence_below": conditions.get("confidence_below"),
        }
    )
