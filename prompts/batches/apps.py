from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "prompts.batches"
    label = "batches"

    def ready(self) -> None:
        from prompts.batches import hooks  # noqa: F401  # fills the registries
