"""The whole beat table: task name, seconds between runs."""

from __future__ import annotations

_EVERY: dict[str, float] = {
    "governance.audit.tasks.sequence": 15,
    "governance.access.tasks.end_expired_grants": 60,
    "governance.home.tasks.begin_absences": 30,
    "governance.audit.tasks.keep_house": 60,
    "governance.approvals.tasks.keep_house": 60,
    "governance.approvals.tasks.remind_people": 3600,
    "governance.model_cards.tasks.remind_of_reviews": 3600,
    "governance.compliance.tasks.remind_of_acknowledging": 3600,
    "governance.compliance.tasks.keep_evidence": 300,
    "governance.incidents.tasks.keep_house": 60,
    "governance.policy.tasks.rewrap": 60,
    "governance.registry.tasks.keep_house": 3600,
    # The same day again changes nothing: a night without a worker costs no day.
    "governance.registry.tasks.measure_from_ledger": 21600,
    "reviews.queues.tasks.keep_house": 30,
    "reviews.decisions.tasks.finalise_due": 5,
    "reviews.board.tasks.keep_house": 30,
    "reviews.intake.tasks.take_samples": 30,
    "prompts.gateway.tasks.sweep": 30,
    "prompts.batches.tasks.sweep": 15,
    "prompts.evaluation.tasks.sweep": 15,
    "prompts.corrections.tasks.sweep": 60,
    "prompts.corrections.tasks.ask_for_revisions": 300,
    "telemetry.alerts.tasks.check_service_levels": 60,
    "telemetry.chargeback.tasks.keep_house": 60,
    "telemetry.deliveries.tasks.keep_house": 60,
    # Works every six hours and soon after midnight; else it asks how old the last ones are.
    "telemetry.chargeback.tasks.work_out_forecasts": 60,
    "telemetry.drift.tasks.check_due": 60,
    "telemetry.chargeback.tasks.check_books": 21600,
    "telemetry.savings.tasks.compute_due": 21600,
    "telemetry.ledger.tasks.seal": 60,
    "telemetry.ledger.tasks.keep_house": 60,
    "telemetry.webhooks.tasks.deliver_due": 30,
}

BEAT_SCHEDULE = {name: {"task": name, "schedule": seconds} for name, seconds in _EVERY.items()}
