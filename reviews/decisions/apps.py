from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    name = "reviews.decisions"
    label = "decisions"

    def ready(self) -> None:
        from reviews.decisions import hooks  # noqa: F401  # fills the registries
