from django.apps import AppConfig


class ChargebackConfig(AppConfig):
    name = "telemetry.chargeback"
    label = "chargeback"

    def ready(self) -> None:
        from telemetry.chargeback import hooks  # noqa: F401  # fills the registries
