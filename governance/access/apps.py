from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "governance.access"
    label = "access"

    def ready(self) -> None:
        from governance.access import hooks  # noqa: F401  # fills the registries
