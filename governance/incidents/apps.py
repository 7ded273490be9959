from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "governance.incidents"
    label = "incidents"

    def ready(self) -> None:
        from governance.incidents import hooks  # noqa: F401  # fills the registries
