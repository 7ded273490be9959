"""Models: what may we call, for what, at what price? The list, and the pages of cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.late_saves import differences
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.model_cards import selectors, services
from governance.model_cards.forms import (
    CardForm,
    NewCardForm,
    ResultRows,
    show_refusal,
    typed_in,
)
from governance.model_cards.models import ModelCard
from governance.model_cards.registries import card_warnings
from governance.model_cards.rules import CARD_STATES
from governance.model_cards.subjects import CardSubject

PER_PAGE = 50


@requires(Permission.MODEL_VIEW)
def model_list(request: HttpRequest) -> HttpResponse:
    """Deployments with what stands in their way, and cards."""
    today, rates = timezone.now().date(), list(selectors.rates_in_force())
    deployments = Paginator(selectors.deployments_with_facts(), PER_PAGE)
    listed = deployments.get_page(request.GET.get("deployments"))
    context = {
        "deployments": listed,
        "today": today,
        "rows": [(one, selectors.obstacles(one, today, rates)) for one in listed],
        "cards": Paginator(selectors.cards_with_author(), PER_PAGE).get_page(
            request.GET.get("cards")
        ),
        "may_write": actor_of(request).may(Permission.MODEL_AUTHOR),
    }
    return page(request, "governance/model_cards/list.html", context)


@requires(Permission.MODEL_VIEW)
def card_detail(request: HttpRequest, pk: int) -> HttpResponse:
    card = _card(pk)
    stands = standing("model_card", card, timezone.now())
    may_write = actor_of(request).may(Permission.MODEL_AUTHOR)
    can_propose = CARD_STATES.allows(card.state, "approve") and not stands["open_change"]
    context = {
        "card": card,
        "today": timezone.now().date(),
        "deployments": card.deployments.all(),
        "versions": ModelCard.objects.filter(slug=card.slug).exclude(pk=card.pk),
        "standing": stands,
        "missing": CardSubject().missing(card, {}) if card.state == "draft" else [],
        "warnings": [said for asked in card_warnings.values() for said in asked(card)],
        "events": timeline_for(card)[:30],
        "may_write": may_write,
        "may_propose": may_write and can_propose and card.state != "approved",
    }
    return page(request, "governance/model_cards/card.html", context)


@dataclass(frozen=True)
class Writing:
    """One way to write a card: its heading, where it began and what saving does."""

    heading: str
    form: type[CardForm]
    initial: dict[str, Any]
    save: Callable[[dict[str, Any], str], ModelCard]
    card: ModelCard | None = None


@requires(Permission.MODEL_AUTHOR)
def card_new(request: HttpRequest) -> HttpResponse:
    """A model that is not documented yet."""
    return _write(request, new_card(request))


def new_card(request: HttpRequest) -> Writing:
    """The writing of a first version."""

    def save(content: dict[str, Any], seen: str) -> ModelCard:
        return services.create_card(actor=actor_of(request), now=timezone.now(), **content)

    return Writing("New model card", NewCardForm, {}, save)


@requires(Permission.MODEL_AUTHOR)
def card_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft, changed."""
    card = _card(pk)
    if card.state != "draft":
        raise WrongState(f"This version is {card.state}; what was decided on does not change.")

    def save(content: dict[str, Any], seen: str) -> ModelCard:
        return services.edit_card(
            actor=actor_of(request), card_id=pk, seen=seen, now=timezone.now(), **content
        )

    initial = card.content() | {"seen": card.fingerprint()}
    return _write(request, Writing(f"Edit {card}", CardForm, initial, save, card))


@requires(Permission.MODEL_AUTHOR)
def card_version(request: HttpRequest, pk: int) -> HttpResponse:
    """The next version of a card, filled from this one."""
    card = _card(pk)

    def save(content: dict[str, Any], seen: str) -> ModelCard:
        return services.add_version(
            actor=actor_of(request), card=card, now=timezone.now(), **content
        )

    return _write(
        request, Writing(f"New version of {card.name}", CardForm, card.content(), save, card)
    )


def _write(request: HttpRequest, writing: Writing) -> HttpResponse:
    """The form, then what it will look like, then the draft; each step keeps what was typed."""
    if request.method != "POST":
        rows = ResultRows(initial=writing.initial.get("evaluation_results"), prefix="results")
        return _card_form(request, writing, writing.form(initial=writing.initial), rows)
    form, rows = writing.form(request.POST), ResultRows(request.POST, prefix="results")
    step = request.POST.get("step", "review")
    if step == "edit":
        again = ResultRows(initial=rows.typed(), prefix="results")
        return _card_form(request, writing, writing.form(initial=typed_in(form)), again)
    if not all([form.is_valid(), rows.is_valid()]):
        return _card_form(request, writing, form, rows, 422)
    content = form.content() | {"evaluation_results": rows.results()}
    if step != "save":
        context = {"writing": writing, "form": form, "rows": rows, "card": content}
        return page(request, "governance/model_cards/card_review.html", context)
    try:
        card = writing.save(content, form.cleaned_data["seen"])
    except (Invalid, Conflict, WrongState) as refusal:
        return _refused(request, writing, form, rows, refusal)
    messages.success(request, f"{card} is saved as a draft.")
    return redirect("model_cards:card", pk=card.pk)


def _refused(
    request: HttpRequest,
    writing: Writing,
    form: CardForm,
    rows: ResultRows,
    refusal: Invalid | Conflict | WrongState,
) -> HttpResponse:
    status = show_refusal(form, refusal)
    if isinstance(refusal, Conflict):
        form.differences = differences(form, writing.initial)
    # Saving once more is then a choice, made with the newer text a click away.
    typed = request.POST.copy()
    typed["seen"] = writing.initial.get("seen", "")
    form.data = typed
    return _card_form(request, writing, form, rows, status)


def _card_form(
    request: HttpRequest, writing: Writing, form: CardForm, rows: ResultRows, status: int = 200
) -> HttpResponse:
    context = {"writing": writing, "form": form, "rows": rows}
    return page(request, "governance/model_cards/card_form.html", context, status=status)


@requires(Permission.MODEL_AUTHOR)
@require_POST
def card_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    services.withdraw_card(
        actor=actor_of(request),
        card_id=pk,
        reason=request.POST.get("reason", "").strip()[:500],
        now=timezone.now(),
    )
    messages.success(request, "The draft is withdrawn. It stays readable.")
    return redirect("model_cards:card", pk=pk)


@requires(Permission.MODEL_AUTHOR)
@require_POST
def propose_card(request: HttpRequest, pk: int) -> HttpResponse:
    card = _card(pk)
    reason = request.POST.get("reason", "")
    now = timezone.now()
    change = services.propose_card(actor=actor_of(request), card=card, reason=reason, now=now)
    messages.success(request, "It is before its signatories now.")
    return redirect(reverse("approvals:detail", args=[change.pk]))


def _card(pk: int) -> ModelCard:
    found: ModelCard = get_or_404(selectors.cards_with_author(), pk=pk)
    return found
