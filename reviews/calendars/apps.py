from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    name = "reviews.calendars"
    label = "calendars"

    def ready(self) -> None:
        from reviews.calendars import hooks  # noqa: F401  # fills the registries
