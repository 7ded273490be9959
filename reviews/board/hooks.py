"""What the board plugs into claiming and the audit log."""

from __future__ import annotations

from governance.audit.registries import audit_actions
from reviews.board import services
from reviews.queues.claim_registries import ClaimRule, claim_rules, offers

claim_rules.add("gifts", ClaimRule(services.without_gifts_to_others, services.check_not_given))
offers.add("gifts", services.offer_gift)
audit_actions.add("review.given", "{actor} gave {subject} to a reviewer")
audit_actions.add("review.moved", "{actor} moved {subject} to another queue")
