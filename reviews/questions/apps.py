from django.apps import AppConfig


class QuestionsConfig(AppConfig):
    name = "reviews.questions"
    label = "questions"

    def ready(self) -> None:
        from reviews.questions import hooks  # noqa: F401  # fills the registries
