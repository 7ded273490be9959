"""The form of a queue's settings; the services check the same again."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from governance.access.late_saves import SeenForm
from governance.access.models import Training
from governance.kernel.web import plain_name
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseNamesField, are_many
from reviews.queues.models import Queue, SlaPolicy
from reviews.queues.rules import LONGEST_UNDO_SECONDS, UNDO_SECONDS
from reviews.queues.upkeep import (
    LONGEST_GUIDELINE,
    LONGEST_TEMPLATE,
    MOST_TEMPLATES,
    standard_sla,
)


class ReadField(forms.CharField):
    """A text that is read as something else: what was typed has at most `longest` characters."""

    def __init__(self, *, longest: int = 500, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest = longest
        self.widget.attrs["maxlength"] = str(longest)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if len(text) > self.longest:
            raise forms.ValidationError(
                f"At most {self.longest:,} characters; this has {len(text):,}."
            )
        return text


class LabelsField(ReadField):
    """Labels, one per line or separated by commas; gives them in order, each once."""

    def to_python(self, value: Any) -> Any:
        parts = re.split(r"[\n,]+", super().to_python(value))
        return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


class LinesField(ReadField):
    """Sentences, one per line; gives them in order, each once."""

    def to_python(self, value: Any) -> Any:
        lines = super().to_python(value).splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


class QueueForm(SeenForm):
    """All settings of a queue but its address, which follows from the first name."""

    name = forms.CharField(max_length=100, validators=[plain_name])
    guideline = forms.CharField(
        required=False,
        max_length=LONGEST_GUIDELINE,
        widget=forms.Textarea(attrs={"rows": 12, "class": "editor"}),
        help_text="Markdown. It stands beside every answer: what is fit to leave, what is not.",
    )
    labels = LabelsField(
        required=False,
        longest=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One per line; the first nine have number keys.",
    )
    rationale_templates = LinesField(
        required=False,
        longest=LONGEST_TEMPLATE * MOST_TEMPLATES,
        label="Reasons to choose from",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One per line. A reviewer chooses one and may edit it.",
    )
    undo_seconds = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST_UNDO_SECONDS,
        label="Seconds to undo",
        help_text="The answer leaves only after them; 0 sends it at once.",
    )
    use_cases = forms.ModelMultipleChoiceField(
        UseCase.objects.select_related("team"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Their held answers come here. A use case stands in one queue at most.",
    )
    is_default = forms.BooleanField(
        required=False,
        label="Default queue",
        help_text="Takes the answers of every use case that stands in no queue.",
    )
    escalates_to = forms.ModelChoiceField(
        Queue.objects.all(),
        required=False,
        empty_label="No other queue",
        help_text="Where an escalated answer goes; it keeps its due time.",
    )
    sla = forms.ModelChoiceField(
        SlaPolicy.objects.select_related("calendar"),
        label="SLA",
        empty_label=None,
        help_text="Another one moves the due times of what is open here.",
    )
    needs_acknowledgement = forms.BooleanField(
        required=False,
        label="Members acknowledge the guideline",
        help_text="Nobody claims before they said that they read its newest version.",
    )
    trainings = forms.ModelMultipleChoiceField(
        Training.objects.all(),
        required=False,
        label="Required training",
        widget=forms.CheckboxSelectMultiple,
        help_text="Who has no valid record of it cannot claim here.",
    )
    most_claimed = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1000,
        label="At work at most",
        help_text="How many answers of this queue may be with people at a time; empty for no limit.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = UseCase.objects.all()
        if are_many(every):
            self.fields["use_cases"] = UseCaseNamesField(
                every,
                required=False,
                help_text=f"Short names, one per line. {self.fields['use_cases'].help_text}",
            )

    def settings(self) -> dict[str, Any]:
        """What the services take."""
        given = self.cleaned_data
        plain = ["name", "guideline", "labels", "is_default", "escalates_to"]
        plain += ["undo_seconds", "rationale_templates"]
        plain += ["sla", "needs_acknowledgement", "most_claimed"]
        return {name: given[name] for name in plain} | {
            "use_cases": list(given["use_cases"]),
            "trainings": list(given["trainings"]),
        }


def form_values(queue: Queue) -> dict[str, Any]:
    """What the form begins with for a queue that exists."""
    names = ["name", "guideline", "is_default", "escalates_to", "undo_seconds"]
    names += ["sla", "needs_acknowledgement", "most_claimed"]
    values = {name: getattr(queue, name) for name in names}
    values = {name: value for name, value in values.items() if name != "most_claimed" or value}
    return values | {
        "labels": "\n".join(queue.labels),
        "rationale_templates": "\n".join(queue.rationale_templates),
        "use_cases": list(queue.use_cases.all()),
        "trainings": list(queue.trainings.all()),
    }


def new_values() -> dict[str, Any]:
    """What the form begins with for a new queue."""
    return {
        "sla": standard_sla(),
        "needs_acknowledgement": True,
        "undo_seconds": UNDO_SECONDS,
    }
