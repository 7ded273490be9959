"""What webhooks plug into the kernel, the shell and the audit log."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from telemetry.webhooks.rules import DELIVERY_STATES

transition_tables.add("WebhookDelivery.state", DELIVERY_STATES)

for action, sentence in {
    "webhook.created": "{actor} made {subject}",
    "webhook.changed": "{actor} changed {subject}",
    "webhook.rotated": "{actor} rotated the secret of {subject}",
    "webhook.sent_again": "{actor} sent a message of {subject} again",
    "webhook.turned_off": "{actor} turned off {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "webhooks",
    NavigationItem(
        "People", "Webhooks", "webhooks:list", "webhook", (Permission.API_KEY_MANAGE,), order=25
    ),
)
