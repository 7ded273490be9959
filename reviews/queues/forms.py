"""The form of a queue's settings; the services check the same again."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from governance.access.late_saves import SeenForm
from governance.kernel.web import plain_name
from governance.registry.models import UseCase
from governance.registry.picking import UseCaseNamesField, are_many
from reviews.queues import opening_hours
from reviews.queues.models import Queue, SlaPolicy, office_hours
from reviews.queues.rules import LONGEST_UNDO_SECONDS, UNDO_SECONDS
from reviews.queues.upkeep import (
    LONGEST_GUIDELINE,
    LONGEST_TEMPLATE,
    MOST_TEMPLATES,
    ServiceTimes,
    service_times_of,
)

LONGEST_MINUTES = 60 * 24 * 90


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


class HoursField(ReadField):
    """Opening hours of a day; gives spans."""

    def to_python(self, value: Any) -> Any:
        return _read(opening_hours.parse_hours, super().to_python(value))


class DaysField(ReadField):
    """Dates; gives them in ISO form."""

    def to_python(self, value: Any) -> Any:
        return _read(opening_hours.parse_days, super().to_python(value))


def _read(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except opening_hours.NotOpeningHours as unreadable:
        raise forms.ValidationError(str(unreadable)) from None


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
    first_touch_minutes = forms.IntegerField(
        min_value=1, max_value=LONGEST_MINUTES, help_text="Business minutes until somebody looks."
    )
    decision_minutes = forms.IntegerField(
        min_value=1, max_value=LONGEST_MINUTES, help_text="Business minutes until it is decided."
    )
    warn_share = forms.IntegerField(
        min_value=1,
        max_value=99,
        label="Warn at",
        help_text="Percent of the time to decide, from which an answer is shown as near due.",
    )
    time_zone = forms.CharField(max_length=50, help_text="Such as Europe/Amsterdam.")
    holiday_country = forms.CharField(
        required=False,
        max_length=2,
        label="Public holidays of",
        help_text="A country code such as NL; empty for none.",
    )
    closures = DaysField(
        required=False,
        label="Own closures",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Dates such as 2026-12-24, one per line.",
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
        for number, day in enumerate(opening_hours.WEEKDAYS):
            self.fields[f"hours_{number}"] = HoursField(required=False, label=day)
        self.fields["hours_0"].help_text = "Such as 09:00-12:30, 13:30-17:30; empty is closed."

    def settings(self) -> dict[str, Any]:
        """What the services take."""
        given = self.cleaned_data
        plain = ("name", "guideline", "labels", "is_default", "escalates_to")
        plain += ("undo_seconds", "rationale_templates")
        return {name: given[name] for name in plain} | {
            "use_cases": list(given["use_cases"]),
            "times": self._times(),
        }

    def _times(self) -> ServiceTimes:
        given = self.cleaned_data
        return ServiceTimes(
            first_touch_minutes=given["first_touch_minutes"],
            decision_minutes=given["decision_minutes"],
            warn_share=given["warn_share"],
            time_zone=given["time_zone"].strip(),
            hours={str(day): given[f"hours_{day}"] for day in range(7) if given[f"hours_{day}"]},
            holiday_country=given["holiday_country"].strip().upper(),
            closures=given["closures"] or [],
        )


def form_values(queue: Queue) -> dict[str, Any]:
    """What the form begins with for a queue that exists."""
    names = ("name", "guideline", "is_default", "escalates_to", "undo_seconds")
    values = {name: getattr(queue, name) for name in names}
    return values | {
        "labels": "\n".join(queue.labels),
        "rationale_templates": "\n".join(queue.rationale_templates),
        "use_cases": list(queue.use_cases.all()),
        **_time_values(service_times_of(queue.sla)),
    }


def new_values() -> dict[str, Any]:
    """What the form begins with for a new queue."""
    fresh = SlaPolicy()
    return {
        "undo_seconds": UNDO_SECONDS,
        "first_touch_minutes": fresh.first_touch_minutes,
        "decision_minutes": fresh.decision_minutes,
        "warn_share": fresh.warn_share,
        "time_zone": "Europe/Amsterdam",
        **_hour_values(office_hours()),
    }


def _time_values(times: ServiceTimes) -> dict[str, Any]:
    return {
        "first_touch_minutes": times.first_touch_minutes,
        "decision_minutes": times.decision_minutes,
        "warn_share": times.warn_share,
        "time_zone": times.time_zone,
        "holiday_country": times.holiday_country,
        "closures": "\n".join(times.closures),
        **_hour_values(times.hours),
    }


def _hour_values(hours: Any) -> dict[str, str]:
    return {
        f"hours_{day}": opening_hours.hours_as_text(spans) for day, spans in sorted(hours.items())
    }
