"""The form that takes a provider's file; the services check the same again."""

from __future__ import annotations

from typing import Any

from django import forms

from telemetry.chargeback.forms import MonthField
from telemetry.reconciliation.models import ProviderLayout
from telemetry.reconciliation.reading import FIELD_WORDS, FIELDS, Layout, guessed, read_rows
from telemetry.reconciliation.services import Upload


class UploadForm(forms.Form):
    """A file, what it is of, and how it is read. Columns left empty are found by their names, or
    are those of the provider's last file."""

    provider = forms.CharField(max_length=100)
    period = MonthField(label="Month")
    file = forms.FileField(
        help_text="CSV, at most 5 MB. OpenAI's usage and cost exports are known."
    )
    decimal_comma = forms.BooleanField(
        required=False, label="Numbers are written 1.234,56", help_text="Else 1,234.56."
    )
    tolerance = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=9,
        initial="0.01",
        help_text="Differences of a day and model up to this amount count as none.",
    )
    tolerance_percent = forms.DecimalField(
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        initial="0.5",
        label="Or percent",
    )
    models = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        label="Models",
        help_text="Where names differ, one a line: the provider's name = our deployment's short "
        "name. Remembered for the next file.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in FIELDS:
            self.fields[f"column_{name}"] = forms.CharField(
                required=False, max_length=200, label=f"Column of: {FIELD_WORDS[name].lower()}"
            )

    def clean_models(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["models"].splitlines():
            name, sign, slug = line.rpartition("=")
            if line.strip() and not (sign and name.strip() and slug.strip()):
                raise forms.ValidationError(f"“{line[:60]}” is not: name = short name.")
            if line.strip():
                found[name.strip()] = slug.strip()
        return found

    def upload(self) -> Upload:
        """As the service takes it; raises Invalid for a file that is none."""
        facts = self.cleaned_data
        given = {name: facts[f"column_{name}"].strip() for name in FIELDS}
        return upload_of(
            provider=facts["provider"],
            period=facts["period"],
            file_name=facts["file"].name,
            content=facts["file"].read(),
            columns={name: column for name, column in given.items() if column},
            decimal_comma=facts["decimal_comma"],
            models=facts["models"],
            tolerance=facts["tolerance"],
            tolerance_percent=facts["tolerance_percent"],
        )


def upload_of(
    *,
    provider: str,
    content: bytes,
    columns: dict[str, str],
    decimal_comma: bool,
    models: dict[str, str],
    **facts: Any,
) -> Upload:
    """Columns that nobody named are the remembered ones that the file has, else guessed."""
    head, _ = read_rows(content)
    known = ProviderLayout.objects.filter(provider=provider.strip()).first()
    remembered = known.columns if known else {}
    found = guessed(head) | {name: one for name, one in remembered.items() if one in head}
    comma = decimal_comma or bool(known and known.decimal_comma)
    layout = Layout(found | columns, comma)
    named = (dict(known.model_names) if known else {}) | models
    return Upload(provider=provider, content=content, layout=layout, models=named, **facts)
