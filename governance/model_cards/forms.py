"""Forms of cards, deployments and prices; the services check the same again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.conf import settings

from governance.access.late_saves import SeenForm
from governance.kernel.errors import Invalid, PlacetError
from governance.kernel.terms import Sensitivity
from governance.kernel.web import plain_name
from governance.model_cards.models import ModelCard, Vendor
from governance.model_cards.rules import HOSTING, MOST_RESULTS, PRICE_KINDS, RESULT_PARTS

LONGEST_TEXT = 20_000
EMPTY_ROWS = 5


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _markdown(label: str, help_text: str) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 5})
    return forms.CharField(
        label=label, help_text=help_text, widget=area, max_length=LONGEST_TEXT, required=False
    )


class CardForm(forms.Form):
    """A model card; a draft may leave open what must be there before it is proposed."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    provider = forms.CharField(max_length=150, help_text="Who makes the model.")
    model_id = forms.CharField(
        max_length=200, label="Model id", help_text="As its provider names it, with its revision."
    )
    licence = forms.CharField(
        max_length=100, required=False, help_text="An SPDX identifier, or the terms it comes under."
    )
    intended_use = _markdown(
        "Intended use",
        "Markdown. What it is for. Lines “Languages: en, de.” and “Users: …” go into exports by name.",
    )
    out_of_scope_use = _markdown("Out-of-scope use", "Markdown. What it must not be used for.")
    training_data = _markdown("Training data", "Markdown. What is known of its data and cut-off.")
    limitations = _markdown("Limitations", "Markdown. Where it fails.")
    bias_findings = _markdown("Bias findings", "Markdown. What was measured, by whom.")
    contacts = forms.CharField(max_length=300, required=False, help_text="Whom to ask about it.")
    review_on = forms.DateField(
        label="Review on", widget=_day(), help_text="When this card is read again."
    )
    source_url = forms.URLField(
        max_length=300,
        required=False,
        label="Source",
        assume_scheme="https",
        help_text="The provider's own documentation.",
    )
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    differences: list[dict[str, Any]]

    MARKDOWN = ("intended_use", "out_of_scope_use", "training_data", "limitations", "bias_findings")

    def content(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class NewCardForm(CardForm):
    """The first version of a card."""

    slug = forms.SlugField(
        max_length=80, label="Short name", help_text="For addresses; never changes."
    )
    field_order = ("slug",)


class ResultForm(forms.Form):
    """One evaluation result; an empty row is left out."""

    benchmark = forms.CharField(max_length=150, required=False)
    metric = forms.CharField(max_length=100, required=False)
    value = forms.CharField(max_length=40, required=False)
    source = forms.CharField(max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["aria-label"] = name.capitalize()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if any(cleaned.get(name) for name in RESULT_PARTS):
            for name in ("benchmark", "value"):
                if not cleaned.get(name):
                    self.add_error(name, f"Give the {name}, or empty the row.")
        return cleaned


class ResultRows(
    forms.formset_factory(ResultForm, extra=EMPTY_ROWS, max_num=MOST_RESULTS)  # type: ignore[misc]  # made at run time
):
    """The evaluation results as rows, with some empty ones to fill."""

    def results(self) -> list[dict[str, str]]:
        rows = [form.cleaned_data for form in self.forms]
        return [{name: row[name] for name in RESULT_PARTS} for row in rows if row.get("benchmark")]

    def typed(self) -> list[dict[str, str]]:
        """The rows as they were typed, fitting or not, without the empty ones."""
        rows = [{name: str(form[name].value() or "") for name in RESULT_PARTS} for form in self]
        return [row for row in rows if any(row.values())]


class DecidedFactsForm(forms.Form):
    """What the board decides on."""

    name = forms.CharField(max_length=150, validators=[plain_name])
    litellm_model = forms.CharField(
        max_length=200, label="Model string", help_text="As litellm writes it: provider/model."
    )
    endpoint = forms.CharField(
        max_length=300,
        required=False,
        help_text="Address of a server of your own; empty for the provider's.",
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )
    region = forms.CharField(max_length=100, required=False, help_text="Where content is computed.")
    hosting = forms.ChoiceField(
        choices=[(one, one) for one in HOSTING],
        help_text="Hosted by its provider, private to us, or embedded on this machine.",
    )
    sensitivity_ceiling = forms.ChoiceField(
        choices=[(one.value, one.value) for one in Sensitivity],
        label="May see",
        help_text="The most sensitive content that may be sent there.",
    )
    context_tokens = forms.IntegerField(min_value=1, max_value=100_000_000, initial=8192)
    takes_images = forms.BooleanField(
        required=False,
        help_text="Images may be sent there. No screen sees into an image.",
    )


class CardChoiceForm(forms.Form):
    """The card that documents the model."""

    card = forms.ModelChoiceField(
        ModelCard.objects.filter(state__in=["approved", "draft"]),
        label="Model card",
        help_text="A draft can be named; calls wait until it is approved.",
    )


class VendorChoiceForm(forms.Form):
    """Who hosts it."""

    vendor = forms.ModelChoiceField(
        Vendor.objects.exclude(state="ended"),
        required=False,
        empty_label="None",
        help_text="Needed where its provider hosts it; the vendor's review must be current.",
    )


class RunningFactsForm(SeenForm):
    """How a deployment is run, and its key."""

    timeout_seconds = forms.IntegerField(
        min_value=1, max_value=3600, initial=60, help_text="For one attempt."
    )
    total_seconds = forms.IntegerField(
        min_value=1,
        max_value=7200,
        required=False,
        help_text="For all attempts of a call that begins here; empty: twice the time-out.",
    )
    concurrency_limit = forms.IntegerField(
        min_value=1, max_value=10_000, initial=8, label="Calls at a time"
    )
    requests_per_minute = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="Over all use cases, as its provider sells it; empty: no limit.",
    )
    tokens_per_minute = forms.IntegerField(
        min_value=1,
        max_value=2_000_000_000,
        required=False,
        help_text="Input and output together, over all use cases; empty: no limit.",
    )
    secret = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="The provider's key. It is sealed and never shown; empty keeps what is there.",
    )


class NewDeploymentForm(RunningFactsForm, DecidedFactsForm, VendorChoiceForm, CardChoiceForm):
    """A place to call a model."""

    slug = forms.SlugField(
        max_length=80, label="Short name", help_text="For addresses; never changes."
    )
    # Nobody can have changed what is not there yet.
    seen = None  # type: ignore[assignment]  # how Django leaves out a field of a parent
    field_order = ("name", "slug", "card", "vendor")


class ProposedFactsForm(CardChoiceForm, VendorChoiceForm, DecidedFactsForm, SeenForm):
    """The facts of a deployment that nobody has approved yet."""

    field_order = ("name", "card", "vendor")


class ChangedFactsForm(DecidedFactsForm, VendorChoiceForm, SeenForm):
    """Other facts for an approved deployment, to be decided on."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=5000,
        help_text="Why, in a sentence the board can judge.",
    )


def _amount(label: str, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=9,
        required=False,
        label=label,
        help_text=help_text,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )


class PriceForm(forms.Form):
    """Prices from one day on; an empty kind stays as it is."""

    input = _amount("Input, per million tokens")
    cached_input = _amount(
        "Cached input, per million tokens", "Empty and never set: as dear as input."
    )
    output = _amount("Output, per million tokens")
    reasoning = _amount(
        "Reasoning, per million tokens", "Part of the output. Empty and never set: as dear."
    )
    image = _amount(
        "Per image", "On top of the tokens it counts as: 0 where the provider bills those alone."
    )
    per_call = _amount("Per call", "On top of the tokens.")
    discount = _amount("Negotiated discount, in percent", "Off all of the above.")
    currency = forms.CharField(
        max_length=3, required=False, help_text="Of these prices, in three letters."
    )
    starts_on = forms.DateField(label="From", widget=_day())
    source = forms.CharField(max_length=200, help_text="Where the price is written.")

    def amounts(self) -> dict[str, Any]:
        given = {kind: self.cleaned_data[kind] for kind in PRICE_KINDS}
        return {kind: amount for kind, amount in given.items() if amount is not None}

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper() or str(settings.PLACET_CURRENCY)


class PriceChangeForm(PriceForm):
    """The same for a deployment in use: proposed, with tiers, a promise and a reason."""

    tiers = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Volume tiers",
        help_text="One on a line: the kind, from how many tokens a calendar month, the amount; "
        "as “input 1000000 0.12”. A call has the price of the tier that the month had reached "
        "when the call was let in.",
    )
    ending = forms.MultipleChoiceField(
        required=False,
        choices=[(kind, kind.replace("_", " ").capitalize()) for kind in PRICE_KINDS],
        widget=forms.CheckboxSelectMultiple,
        label="Without any price from that day",
    )
    committed = _amount("Committed spend", "What was promised to be spent from that day on.")
    committed_until = forms.DateField(required=False, label="Committed until", widget=_day())
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=5000,
        help_text="Why, in a sentence that finance can judge.",
    )

    def clean_tiers(self) -> list[dict[str, Any]]:
        found = []
        for line in str(self.cleaned_data["tiers"]).splitlines():
            parts = line.split()
            if not parts:
                continue
            tokens = parts[1].replace(",", "") if len(parts) == 3 else ""
            if not tokens.isdecimal() or parts[0] not in PRICE_KINDS:
                raise forms.ValidationError(
                    f"“{line.strip()}” is not a kind, a number of tokens and an amount."
                )
            found.append({"kind": parts[0], "from_tokens": int(tokens), "amount": parts[2]})
        return found

    def prices(self) -> list[dict[str, Any]]:
        """As `propose_prices` takes them."""
        own = [
            {"kind": kind, "from_tokens": 0, "amount": str(amount)}
            for kind, amount in self.amounts().items()
        ]
        ended = [
            {"kind": kind, "from_tokens": 0, "amount": None} for kind in self.cleaned_data["ending"]
        ]
        return own + ended + list(self.cleaned_data["tiers"])

    def commitment(self) -> dict[str, Any] | None:
        amount, until = self.cleaned_data["committed"], self.cleaned_data["committed_until"]
        if amount is None and until is None:
            return None
        return {"amount": str(amount), "ends_on": until.isoformat() if until else ""}


class RateForm(forms.Form):
    """What one unit of another currency is in ours, from a day on."""

    currency = forms.CharField(max_length=3, help_text="Three letters.")
    day = forms.DateField(widget=_day(), help_text="It holds from this day until the next rate.")
    rate = forms.DecimalField(
        max_digits=18,
        decimal_places=9,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    source = forms.CharField(max_length=200, help_text="Where it is published.")

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()


class RateCorrectionForm(forms.Form):
    """The right rate of the same day."""

    rate = forms.DecimalField(
        max_digits=18,
        decimal_places=9,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    source = forms.CharField(max_length=200, help_text="Where the right one is published.")


class ImportForm(forms.Form):
    """Which entry of litellm's table, and from which day."""

    model = forms.CharField(max_length=200, label="Model in litellm's table")
    starts_on = forms.DateField(label="From", widget=_day())


def show_refusal(form: forms.Form, refusal: PlacetError) -> int:
    """Put what the service said beside the fields; the status to answer with."""
    fields: Mapping[str, list[str]] = refusal.fields if isinstance(refusal, Invalid) else {}
    for name, sentences in fields.items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
    if not set(fields) & set(form.fields):
        form.add_error(None, refusal.message)
    return 422 if isinstance(refusal, Invalid) else refusal.status


def typed_in(form: forms.Form) -> dict[str, Any]:
    """What was typed, fitting or not, to begin the same form with again."""
    return {name: cast(Any, form[name]).value() for name in form.fields}
