from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "prompts.releases"
    label = "releases"

    def ready(self) -> None:
        from prompts.releases import hooks  # noqa: F401  # fills the registries
