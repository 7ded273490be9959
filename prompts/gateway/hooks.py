"""What the gateway puts into the shell; models are warmed when a server starts."""

from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission

navigation.add(
    "try",
    NavigationItem("Build", "Try it", "gateway:try", "play", (Permission.CALL_TRY,), 20),
)
