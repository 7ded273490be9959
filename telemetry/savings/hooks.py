"""What savings plug into the shell and the audit log."""

from __future__ import annotations

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission

audit_actions.add("savings.asked", "{actor} had {subject} computed")
navigation.add(
    "savings",
    NavigationItem(
        "Money",
        "Savings",
        "savings:overview",
        "piggy-bank",
        (Permission.CHARGEBACK_VIEW,),
        order=40,
    ),
)
