from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "prompts.catalogue"
    label = "catalogue"

    def ready(self) -> None:
        from prompts.catalogue import hooks  # noqa: F401  # fills the registries
