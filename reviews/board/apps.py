from django.apps import AppConfig


class BoardConfig(AppConfig):
    name = "reviews.board"
    label = "board"

    def ready(self) -> None:
        from reviews.board import hooks  # noqa: F401  # fills the registries
