from django.apps import AppConfig


class AllocationConfig(AppConfig):
    name = "telemetry.allocation"
    label = "allocation"

    def ready(self) -> None:
        from telemetry.allocation import hooks  # noqa: F401  # fills the registries
