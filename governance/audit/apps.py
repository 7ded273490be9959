from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "governance.audit"
    label = "audit"

    def ready(self) -> None:
        from governance.audit import hooks  # noqa: F401  # fills the registries
