"""What the catalogue plugs into the shell and the audit log."""

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from prompts.catalogue.models import PromptVersion
from reviews.queues.registries import written_versions

audit_actions.add("prompt.created", "{actor} began the prompt {subject}")
audit_actions.add("prompt.version_created", "{actor} wrote a version of {subject}")

written_versions.add("prompts", lambda user: PromptVersion.objects.filter(author=user).values("pk"))

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
