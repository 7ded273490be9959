from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "governance.approvals"
    label = "approvals"

    def ready(self) -> None:
        from governance.approvals import hooks  # noqa: F401  # fills the registries
