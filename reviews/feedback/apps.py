from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "reviews.feedback"
    label = "feedback"

    def ready(self) -> None:
        from reviews.feedback import hooks  # noqa: F401  # fills the registries
