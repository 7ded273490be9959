"""What the shell puts into its own navigation."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, inbox, navigation
from governance.home.training import training_due
from governance.kernel.authority import Permission

navigation.add("home", NavigationItem("Work", "My work", "home:index", "house", order=10))
navigation.add("help", NavigationItem("Work", "Help", "home:help", "book-open", order=90))
navigation.add(
    "people",
    NavigationItem("People", "People", "access:people", "users", (Permission.PEOPLE_VIEW,), 10),
)
navigation.add(
    "keys",
    NavigationItem(
        "People", "API keys", "access:keys", "key-round", (Permission.API_KEY_MANAGE,), 20
    ),
)
navigation.add(
    "audit",
    NavigationItem("Prove", "Audit", "audit:index", "shield-check", (Permission.AUDIT_VIEW,), 10),
)
navigation.add(
    "events",
    NavigationItem("Prove", "Events", "audit:events", "scroll-text", (Permission.AUDIT_VIEW,), 20),
)
navigation.add(
    "training",
    NavigationItem(
        "People",
        "Training",
        "access:training-register",
        "graduation-cap",
        (Permission.PEOPLE_VIEW,),
        15,
    ),
)
inbox.add("training", training_due)
audit_actions.add("absence.stated", "{actor} stated an absence: {subject}")
audit_actions.add("absence.ended", "{actor} ended an absence: {subject}")
