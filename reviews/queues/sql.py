"""History of queues and items is written once."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

TABLES = (
    "queues_duetimechange",
    "queues_escalation",
    "queues_guidelineversion",
    "queues_guidelineacknowledgement",
)
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)

PROMISES = """
UPDATE queues_reviewitem AS item SET sla_id = queue.sla_id
FROM queues_queue AS queue WHERE queue.id = item.queue_id AND item.state <> 'decided'
"""
"""What is open was promised by the SLA of the queue where it stands."""

FIRST_GUIDELINES = """
INSERT INTO queues_guidelineversion (queue_id, number, text, by_label, at)
SELECT id, 1, guideline, 'Placet', now() FROM queues_queue
"""
