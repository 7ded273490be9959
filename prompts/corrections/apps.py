from django.apps import AppConfig


class CorrectionsConfig(AppConfig):
    name = "prompts.corrections"
    label = "corrections"

    def ready(self) -> None:
        from prompts.corrections import hooks  # noqa: F401  # fills the registries
