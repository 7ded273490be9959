"""What the board plugs into claiming, the shell, the keeping of texts and the audit log."""

from __future__ import annotations

from governance.access.registries import leaving
from governance.audit.registries import audit_actions
from governance.home.registries import inbox, leaving_for_a_while, spoken_for
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from reviews.board import capacity, handing, keeping, services, showing
from reviews.board.rules import HAND_OVER_STATES
from reviews.decisions.registries import ItemPanel, item_panels
from reviews.queues.claim_registries import (
    ClaimRule,
    Following,
    Limit,
    Offer,
    claim_rules,
    claimed,
    limits,
    offers,
)
from telemetry.ledger.registries import BodyStore, CallPanel, body_stores, call_panels

transition_tables.add("HandOver.state", HAND_OVER_STATES)
claim_rules.add("gifts", ClaimRule(services.without_gifts_to_others, services.check_not_given))
offers.add("gifts", Offer(services.has_gift, services.offer_gift))
claimed.add("hand-overs", Following(handing.waits, handing.follow_claim))
limits.add("capacity", Limit(capacity.is_set, capacity.why_full))
leaving.add("kept items", handing.give_back_of_leaver)
leaving_for_a_while.add("kept items", handing.give_back_all)
spoken_for.add("members of queues", showing.members_led_by)
for action, sentence in {
    "review.given": "{actor} gave {subject} to a reviewer",
    "review.moved": "{actor} moved {subject} to another queue",
    "review.handed": "{actor} handed {subject} to a colleague",
    "review.given_back": "{actor} gave {subject} back to who handed it over",
    "review.hand_over_returned": "{actor} returned {subject}, which nobody took over",
    "review.ungiven": "{actor} returned {subject}, whose reviewer is not there",
    "queue.capacities_set": "{actor} set how much people take in {subject}",
}.items():
    audit_actions.add(action, sentence)
inbox.add("kept items", showing.kept_for)
item_panels.add(
    "hand-overs",
    ItemPanel("reviews/board/_item_panel.html", showing.item_panel, showing.waiting_panel),
)
call_panels.add(
    "hand-overs",
    CallPanel(
        "Hand-overs",
        22,
        "reviews/board/_call_panel.html",
        showing.call_panel,
        (Permission.CALL_VIEW,),
    ),
)
body_stores.add(
    "hand-over notes",
    BodyStore(
        "Notes between reviewers", keeping.count_notes, keeping.erase_notes, keeping.destroy_due
    ),
)
