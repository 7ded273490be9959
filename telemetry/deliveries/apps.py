from django.apps import AppConfig


class DeliveriesConfig(AppConfig):
    name = "telemetry.deliveries"
    label = "deliveries"

    def ready(self) -> None:
        from telemetry.deliveries import hooks  # noqa: F401  # fills the registries
