from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "telemetry.documents"
    label = "documents"
