from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "prompts.gateway"
    label = "gateway"

    def ready(self) -> None:
        from prompts.gateway import hooks  # noqa: F401  # fills the registries
