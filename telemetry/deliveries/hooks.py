"""What deliveries plug into the kernel, the shell and the audit log."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from telemetry.deliveries.rules import DELIVERY_STATES

transition_tables.add("DocumentDelivery.state", DELIVERY_STATES)

for action, sentence in {
    "delivery.scheduled": "{actor} set up a delivery: {subject}",
    "delivery.turned": "{actor} turned a delivery on or off: {subject}",
    "delivery.asked": "{actor} had a document sent: {subject}",
    "delivery.sent_again": "{actor} had a document sent again: {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "deliveries",
    NavigationItem(
        "Money",
        "Deliveries",
        "deliveries:list",
        "send",
        (Permission.CHARGEBACK_VIEW,),
        order=60,
    ),
)
