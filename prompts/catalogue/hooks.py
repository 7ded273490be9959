"""What the catalogue plugs into the shell and the audit log."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission

audit_actions.add("prompt.created", "{actor} began the prompt {subject}")
audit_actions.add("prompt.version_created", "{actor} wrote a version of {subject}")

navigation.add(
    "prompts",
    NavigationItem(
        "Build",
        "Prompts",
        "catalogue:list",
        "message-square-code",
        (Permission.PROMPT_VIEW,),
        10,
    ),
)
