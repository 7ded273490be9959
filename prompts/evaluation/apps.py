from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "prompts.evaluation"
    label = "evaluation"

    def ready(self) -> None:
        from prompts.evaluation import hooks  # noqa: F401  # fills the registries
