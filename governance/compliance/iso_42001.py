"""Annex A of ISO/IEC 42001 by its control numbers; titles and sentences are our own."""

from __future__ import annotations

from governance.compliance.rules import Control, Framework


def _control(code: str, title: str, asks: str, *evidence: str) -> Control:
    source = f"ISO/IEC 42001:2023, Annex {code}"
    return Control(code.lower().replace(".", "-"), code, title, asks, source, evidence)


ISO_42001 = Framework(
    slug="iso-42001",
    title="ISO/IEC 42001",
    version="2023, Annex A",
    source="https://www.iso.org/standard/42001",
    note="Titles are ours, not the standard's: confirm each against your copy of it.",
    controls=(
        _control(
            "A.2.2",
            "A policy for AI",
            "There is a documented policy, and decisions follow it.",
            "approvals-in-force",
        ),
        _control(
            "A.2.4",
            "Policy under review",
            "What was decided is looked at again before it runs out.",
            "approvals-in-force",
        ),
        _control(
            "A.3.2",
            "Roles",
            "Roles are given out so that nobody decides on their own proposal.",
            "independent-decisions",
        ),
        _control(
            "A.3.3",
            "Raising concerns",
            "Anybody can say that something is wrong, and it is followed up.",
            "playbooks",
        ),
        _control(
            "A.4.3",
            "Data at hand",
            "The data that systems use is documented.",
            "datasets-named",
        ),
        _control(
            "A.4.4",
            "Tools and models",
            "The models and tools in use are documented.",
            "model-cards",
        ),
        _control(
            "A.4.6",
            "People's competence",
            "People have the skills that their part needs.",
            "training",
        ),
        _control(
            "A.5.2",
            "Way of assessing impact",
            "There is a set way to assess what a system does to people.",
            "risk-assessments",
        ),
        _control(
            "A.5.3",
            "Impact on record",
            "The results of assessments are kept.",
            "risk-assessments",
            "audit-log",
        ),
        _control(
            "A.6.2.4",
            "Verified before use",
            "A system is tested against measures before it is put to use.",
            "measured-success",
        ),
        _control(
            "A.6.2.5",
            "Planned deployment",
            "It goes live only once what it needs is fulfilled.",
            "approved-releases",
        ),
        _control(
            "A.6.2.6",
            "Operation and monitoring",
            "The running system is watched, and what deviates is repaired.",
            "drift-checks",
            "stopping",
        ),
        _control(
            "A.6.2.8",
            "Event logs",
            "Events are logged at least while the system is in use.",
            "audit-log",
            "sealed-calls",
        ),
        _control(
            "A.7.4",
            "Data quality",
            "What data must be like is defined and seen to.",
            "dataset-origins",
        ),
        _control(
            "A.7.5",
            "Data provenance",
            "Where data comes from is recorded over its life.",
            "dataset-origins",
        ),
        _control(
            "A.8.2",
            "Information for users",
            "Users are told what they need to know about the system.",
            "disclosure",
        ),
        _control(
            "A.8.4",
            "Telling of incidents",
            "There is a plan for telling users and authorities of incidents.",
            "incident-clocks",
            "playbooks",
        ),
        _control(
            "A.9.2",
            "Responsible use",
            "The ways of using AI responsibly are defined and followed.",
            "oversight",
            "held-answers",
        ),
        _control(
            "A.9.4",
            "Used as meant",
            "Systems are used for what they are meant for and as documented.",
            "approvals-in-force",
            "model-cards",
        ),
        _control(
            "A.10.3",
            "Suppliers",
            "What suppliers provide fits the organisation's own way with AI.",
            "vendor-terms",
        ),
    ),
)
