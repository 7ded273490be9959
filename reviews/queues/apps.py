from django.apps import AppConfig


class QueuesConfig(AppConfig):
    name = "reviews.queues"
    label = "queues"

    def ready(self) -> None:
        from reviews.queues import hooks  # noqa: F401  # fills the registries
