from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "reviews.quality"
    label = "quality"

    def ready(self) -> None:
        from reviews.quality import hooks  # noqa: F401  # fills the registries
