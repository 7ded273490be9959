"""The forms of suites, cases and runs; the services check the same again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from django import forms

from governance.access.forms import ServiceForm
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import plain_name
from governance.model_cards.models import Deployment
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.evaluation.rules import TAGS
from prompts.evaluation.scorers import LONGEST_EXPECTED, SCORERS
from prompts.evaluation.selectors import deployments_for
from prompts.gateway.trying import filled

EXPECTATIONS = 3
Made = TypeVar("Made")


class SuiteForm(ServiceForm):
    name = forms.CharField(max_length=120, validators=[plain_name])
    purpose = forms.CharField(max_length=500, required=False, label="What it is to show")


class CaseForm(ServiceForm):
    """A case's name, tags and up to three expectations; its input has a field per variable."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    tags = forms.MultipleChoiceField(
        choices=[(one, one.replace("_", " ")) for one in TAGS],
        widget=forms.CheckboxSelectMultiple,
        initial=["golden"],
    )

    def __init__(self, prompt: Prompt, data: Any = None) -> None:
        super().__init__(data)
        self.version: PromptVersion | None = prompt.versions.first()
        schema = self.version.variables if self.version else {}
        self.input = filled(schema, data)
        if self.version and self.version.takes_caller_messages:
            self.fields["message"] = forms.CharField(
                widget=forms.Textarea(attrs={"rows": 4}), max_length=100_000, required=False
            )
        for number in range(1, EXPECTATIONS + 1):
            self._add_expectation(number)

    def _add_expectation(self, number: int) -> None:
        is_first = number == 1
        choices = [(one.name, f"{one.label}: {one.expects}") for one in SCORERS.values()]
        self.fields[f"scorer_{number}"] = forms.ChoiceField(
            label="Expected" if is_first else f"And also, {number}",
            choices=choices if is_first else [("", "nothing more"), *choices],
            required=is_first,
        )
        self.fields[f"expected_{number}"] = forms.CharField(
            label=f"What is expected, {number}",
            widget=forms.Textarea(attrs={"rows": 2}),
            max_length=LONGEST_EXPECTED,
            required=False,
            strip=False,
        )
        self.fields[f"option_{number}"] = forms.CharField(
            label=f"Tolerance, {number}",
            max_length=100,
            required=False,
            help_text="For a number: how far off it may be.",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.input.is_valid:
            self.add_error(None, "What is asked does not fit; see its fields.")
        return cleaned

    def carry_out(self, service: Callable[..., Made], **facts: Any) -> Made | None:
        if not self.is_valid():
            return None
        try:
            return service(**facts, **self.facts())
        except (Invalid, Conflict) as refused:
            problems = refused.fields if isinstance(refused, Invalid) else {}
            for name, sentences in problems.items():
                self.add_error(name if name in self.fields else None, list(sentences))
            if not problems:
                self.add_error(None, refused.message)
            return None

    def facts(self) -> dict[str, Any]:
        message = self.cleaned_data.get("message", "")
        said = [{"role": "user", "content": message}] if message else []
        return {
            "name": self.cleaned_data["name"],
            "tags": self.cleaned_data["tags"],
            "asked": {"variables": self.input.values, "messages": said},
            "expectations": self.expectations(),
        }

    def expectations(self) -> list[dict[str, str]]:
        found = []
        for number in range(1, EXPECTATIONS + 1):
            if scorer := self.cleaned_data.get(f"scorer_{number}"):
                expected = self.cleaned_data[f"expected_{number}"].replace("\r\n", "\n")
                one = {"scorer": scorer, "expected": expected}
                if option := self.cleaned_data[f"option_{number}"]:
                    one["option"] = option
                found.append(one)
        return found


class RunForm(ServiceForm):
    """A version on a deployment, within a budget."""

    version = forms.ModelChoiceField(PromptVersion.objects.none(), empty_label=None)
    deployment = forms.ModelChoiceField(
        Deployment.objects.none(), to_field_name="slug", empty_label=None
    )
    budget = forms.DecimalField(
        max_digits=18,
        decimal_places=9,
        min_value=Decimal(0),
        initial=Decimal(1),
        help_text="The run stops before its calls together cost more.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        help_text="Where a provider can repeat itself and the version has no seed of its own.",
    )

    def __init__(self, prompt: Prompt, data: Any = None) -> None:
        super().__init__(data)
        version, deployment = self.fields["version"], self.fields["deployment"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101  # tells mypy
        assert isinstance(deployment, forms.ModelChoiceField)  # noqa: S101  # tells mypy
        version.queryset = PromptVersion.objects.filter(prompt=prompt).select_related("prompt")
        deployment.queryset = deployments_for(prompt)
