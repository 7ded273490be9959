from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "governance.home"
    label = "home"

    def ready(self) -> None:
        from governance.home import hooks  # noqa: F401  # fills the registries
