"""What model cards plug into the engine, the shell and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.model_cards.price_subject import PriceSubject
from governance.model_cards.reviewing import REMINDED, overdue_reviews
from governance.model_cards.rules import CARD_STATES, DEPLOYMENT_STATES
from governance.model_cards.subjects import CardSubject, DeploymentSubject
from governance.model_cards.vendor_rules import VENDOR_STATES
from governance.model_cards.vendor_subject import VendorSubject
from governance.model_cards.vendors import REMINDED as VENDOR_REMINDED
from governance.model_cards.vendors import overdue_vendor_reviews

transition_tables.add("ModelCard.state", CARD_STATES)
transition_tables.add("Deployment.state", DEPLOYMENT_STATES)
transition_tables.add("Vendor.state", VENDOR_STATES)
change_subjects.add("model_card", CardSubject())
change_subjects.add("deployment", DeploymentSubject())
change_subjects.add("vendor", VendorSubject())
change_subjects.add("prices", PriceSubject())

for action, sentence in {
    "model_card.created": "{actor} wrote the model card {subject}",
    "model_card.changed": "{actor} changed the draft {subject}",
    "model_card.withdrawn": "{actor} withdrew the draft {subject}",
    REMINDED: "{actor} reminded of the review of {subject}",
    "vendor.created": "{actor} put the vendor {subject} on record",
    "vendor.approved": "{actor} put the terms of {subject} in force",
    VENDOR_REMINDED: "{actor} reminded of the review of the vendor {subject}",
    "deployment.created": "{actor} described the deployment {subject}",
    "deployment.changed": "{actor} changed the deployment {subject}",
    "deployment.running_changed": "{actor} changed how {subject} is run",
    "deployment.secret_replaced": "{actor} replaced the secret of {subject}",
    "deployment.suspend": "{actor} suspended the deployment {subject}",
    "deployment.resume": "{actor} resumed the deployment {subject}",
    "price.set": "{actor} set a price of {subject}",
    "price.changed": "{actor} put the decided prices of {subject} in force",
    "rate.entered": "{actor} entered the exchange rate {subject}",
    "rate.corrected": "{actor} corrected an exchange rate: {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "models",
    NavigationItem("Build", "Models", "model_cards:list", "boxes", (Permission.MODEL_VIEW,), 30),
)


def reviews_overdue(user: User, now: datetime) -> list[InboxItem]:
    """Approved cards that should have been read again."""
    if not user.may(Permission.MODEL_AUTHOR):
        return []
    return [
        InboxItem(
            title=f"Review {card}",
            detail="Its review date has passed: read it again and write a new version",
            url=reverse("model_cards:card", args=[card.pk]),
            due_at=datetime.combine(card.review_on + timedelta(days=1), time.min, UTC),
            kind="model card",
        )
        for card in overdue_reviews(now)[:20]
    ]


inbox.add("card reviews", reviews_overdue)


def vendor_reviews_overdue(user: User, now: datetime) -> list[InboxItem]:
    """Vendors that this person answers for and whose terms should have been read again."""
    return [
        InboxItem(
            title=f"Review the terms of {vendor}",
            detail="Its review is overdue: until then nothing new can rest on it",
            url=reverse("model_cards:vendor", args=[vendor.slug]),
            due_at=datetime.combine(vendor.review_due + timedelta(days=1), time.min, UTC),
            kind="vendor",
        )
        for vendor in overdue_vendor_reviews(now).filter(owner=user)[:20]
    ]


inbox.add("vendor reviews", vendor_reviews_overdue)
