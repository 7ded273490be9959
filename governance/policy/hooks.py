"""What policy puts into the navigation."""

from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission

navigation.add(
    "policy",
    NavigationItem(
        "Govern", "Obligations", "policy:overview", "shield", (Permission.USE_CASE_VIEW,), 70
    ),
)
