"""What batches plug into the kernel, the shell, the audit log and the webhooks."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from prompts.batches import keeping, services
from prompts.batches.rules import BATCH_STATES
from prompts.batches.running import ENDED
from telemetry.ledger.registries import BodyStore, body_stores
from telemetry.webhooks.registries import EventKind, event_kinds

transition_tables.add("Batch.state", BATCH_STATES)
body_stores.add(
    "batch lines",
    BodyStore(
        "Lines of batches",
        keeping.count_lines,
        keeping.erase_lines,
        lambda now, most: services.destroy_inputs(now=now),
        keeping.count_not_run,
    ),
)

for action, sentence in {
    "batch.received": "{actor} uploaded {subject}",
    "batch.paused": "{actor} paused {subject}",
    "batch.resumed": "{actor} resumed {subject}",
    "batch.cancelled": "{actor} cancelled {subject}",
    "batch.finished": "{actor} finished {subject}",
    "batch.failed": "{actor} ended {subject}, which can run no further",
    "batch.downloaded": "{actor} downloaded what came of {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "batches",
    NavigationItem("Build", "Batches", "batches:list", "layers", (Permission.CALL_TRY,), order=25),
)
event_kinds.add(ENDED, EventKind("A batch has ended", "Finished or failed; fetch its results."))
