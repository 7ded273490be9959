from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "telemetry.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from telemetry.webhooks import hooks  # noqa: F401  # fills the registries
