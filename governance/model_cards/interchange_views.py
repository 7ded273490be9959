"""Pages: take a card away as a file, begin one from a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import interchange
from governance.model_cards.forms import NewCardForm, ResultRows, show_refusal
from governance.model_cards.markdown_export import to_markdown
from governance.model_cards.markdown_import import LARGEST_BYTES
from governance.model_cards.models import ModelCard
from governance.model_cards.views import new_card


class MarkdownForm(forms.Form):
    """The text of a model card, pasted or as a file."""

    markdown = forms.CharField(
        label="Markdown",
        required=False,
        max_length=LARGEST_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16}),
        help_text="With its metadata: all of the README.md.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".md,text/markdown,text/plain"}),
        help_text="At most 1 MB. When there is text above too, the file is read.",
    )

    def clean_file(self) -> str:
        """The text in the file."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > LARGEST_BYTES:
            raise forms.ValidationError("A model card has at most 1 MB.")
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("This file is not text in UTF-8.") from None
        return text

    def document(self) -> str:
        text: str = self.cleaned_data["file"] or self.cleaned_data["markdown"]
        return text


@requires(Permission.MODEL_AUTHOR)
def card_import(request: HttpRequest) -> HttpResponse:
    """A model card from elsewhere, shown in the form of a new card; saving is the form's."""
    if request.method != "POST":
        return _import_form(request, MarkdownForm())
    form = MarkdownForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_form(request, form, 422)
    try:
        fields, notes = interchange.read_markdown(actor=actor_of(request), document=form.document())
    except Invalid as refusal:
        return _import_form(request, form, show_refusal(form, refusal))
    context = {
        "writing": new_card(request),
        "form": NewCardForm(initial=fields),
        "rows": ResultRows(initial=fields.get("evaluation_results"), prefix="results"),
        "notes": notes,
        "is_imported": True,
        "action": reverse("model_cards:card-new"),
    }
    return page(request, "governance/model_cards/card_form.html", context)


def _import_form(request: HttpRequest, form: MarkdownForm, status: int = 200) -> HttpResponse:
    return page(request, "governance/model_cards/card_import.html", {"form": form}, status=status)


@requires(Permission.MODEL_VIEW)
def card_markdown(request: HttpRequest, pk: int) -> HttpResponse:
    """The card as Hugging Face Markdown."""
    card: ModelCard = get_or_404(ModelCard.objects.all(), pk=pk)
    return download(to_markdown(card.content()), f"{named(card)}.md", interchange.MARKDOWN)


@requires(Permission.MODEL_VIEW)
def card_cyclonedx(request: HttpRequest, pk: int) -> HttpResponse:
    """The card as a CycloneDX ML-BOM."""
    card: ModelCard = get_or_404(ModelCard.objects.all(), pk=pk)
    return download(interchange.cyclonedx(card), f"{named(card)}.cdx.json", interchange.CYCLONEDX)


def named(card: ModelCard) -> str:
    return f"{card.slug}-v{card.version}"


def download(content: str, name: str, content_type: str) -> HttpResponse:
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)
