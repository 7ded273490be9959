from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "telemetry.ledger"
    label = "ledger"

    def ready(self) -> None:
        from telemetry.ledger import hooks  # noqa: F401  # fills the registries
