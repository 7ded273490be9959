from django.apps import AppConfig


class SavingsConfig(AppConfig):
    name = "telemetry.savings"
    label = "savings"

    def ready(self) -> None:
        from telemetry.savings import hooks  # noqa: F401  # fills the registries
