from django.apps import AppConfig


class DriftConfig(AppConfig):
    name = "telemetry.drift"
    label = "drift"

    def ready(self) -> None:
        from telemetry.drift import hooks  # noqa: F401  # fills the registries
