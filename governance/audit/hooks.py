"""What the audit log says of itself. Its navigation stands in governance.home.hooks' layer."""

from governance.audit.registries import audit_actions
from governance.audit.rules import PACK_STATES
from governance.kernel.registries import transition_tables

transition_tables.add("AuditPack.state", PACK_STATES)

for action, sentence in {
    "audit_pack.requested": "{actor} asked for {subject}",
    "audit_pack.built": "{actor} built {subject}",
    "audit_pack.failed": "{actor} could not build {subject}",
    "audit_pack.cancelled": "{actor} cancelled {subject}",
    "audit_pack.downloaded": "{actor} downloaded {subject}",
    "audit_pack.expired": "{actor} removed the file of {subject}, which was kept long enough",
}.items():
    audit_actions.add(action, sentence)
