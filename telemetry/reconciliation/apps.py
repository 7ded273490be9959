from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    name = "telemetry.reconciliation"
    label = "reconciliation"

    def ready(self) -> None:
        from telemetry.reconciliation import hooks  # noqa: F401  # fills the registries
