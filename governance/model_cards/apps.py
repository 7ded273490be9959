from django.apps import AppConfig


class ModelCardsConfig(AppConfig):
    name = "governance.model_cards"
    label = "model_cards"

    def ready(self) -> None:
        from governance.model_cards import hooks  # noqa: F401  # fills the registries
