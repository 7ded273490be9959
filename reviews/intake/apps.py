from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "reviews.intake"
    label = "intake"

    def ready(self) -> None:
        from reviews.intake import hooks  # noqa: F401  # fills the registries
