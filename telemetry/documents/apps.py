from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "telemetry.documents"
    label = "documents"

    def ready(self) -> None:
        from telemetry.documents import hooks  # noqa: F401  # fills the registries
