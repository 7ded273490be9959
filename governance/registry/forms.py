"""The form of a dataset; the service checks the same again."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxLengthValidator

from governance.access.models import User
from governance.kernel.web import plain_name
from governance.registry.datasets import EDITABLE, LONGEST_REASON
from governance.registry.models import Dataset
from governance.registry.services import LONGEST_TEXT


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """All that is known of a dataset, and the version that it was read at."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        label="Why its sensitivity changes",
        help_text="Needed when you choose another sensitivity.",
    )

    class Meta:
        model = Dataset
        fields = EDITABLE
        labels: ClassVar = {
            "has_personal_data": "Holds personal data",
            "agreement": "Agreement of the labellers",
            "allows_training": "May train models",
        }
        help_texts: ClassVar = {
            "source": "Where it comes from: a system, an address, a supplier.",
            "owner": "Who answers for it.",
            "sensitivity": "How much harm a disclosure would do.",
            "lawful_basis": "For personal data: consent, contract, legitimate interest…",
            "licence": "What its use is bound to.",
            "retention": "How long it is kept, and what ends it.",
            "provenance": "How it came to be and what was done to it.",
            "quality_notes": "What is known to be wrong, missing or uneven.",
            "labelling_guideline": "What labellers were told, or where that is written.",
            "agreement": "The figure and on how much, as in “Cohen’s κ 0.81 on 200 items”.",
            "allows_training": "Whether corrections of use cases that rest on it may be exported "
            "to train a model.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)  # noqa: S101  # tells mypy
        owner.queryset = User.objects.filter(is_active=True)
        if self.instance.pk is None:
            del self.fields["reason"], self.fields["confirmed"]

    def facts(self) -> dict[str, Any]:
        """What was given, for the service."""
        return {name: self.cleaned_data[name] for name in EDITABLE}


for _name in ("provenance", "quality_notes", "labelling_guideline"):
    DatasetForm.base_fields[_name].widget.attrs |= {"rows": 3, "maxlength": LONGEST_TEXT}
    DatasetForm.base_fields[_name].validators.append(MaxLengthValidator(LONGEST_TEXT))
DatasetForm.base_fields["name"].validators.append(plain_name)
