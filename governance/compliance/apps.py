from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "governance.compliance"
    label = "compliance"

    def ready(self) -> None:
        from governance.compliance import hooks  # noqa: F401  # fills the registries
