from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "telemetry.alerts"
    label = "alerts"

    def ready(self) -> None:
        from telemetry.alerts import hooks  # noqa: F401  # fills the registries
