from django.apps import AppConfig
from django.core.checks import Error, register


class WiringConfig(AppConfig):
    """The last app to become ready: from then on no registry can change."""

    name = "governance.config"
    label = "config"

    def ready(self) -> None:
        from governance.kernel.registries import all_registries

        for registry in all_registries():
            registry.freeze()
        register(check_registries)


def check_registries(app_configs: object, **kwargs: object) -> list[Error]:
    """A registry that nobody filled is a feature that silently does not exist."""
    from governance.kernel.registries import all_registries

    return [
        Error(f"The registry of {registry.name} is empty.", id="placet.E001")
        for registry in all_registries()
        if not len(registry)
    ]
