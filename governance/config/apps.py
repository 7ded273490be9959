import gc

from django.apps import AppConfig
from django.core.checks import Error, register
from django.db.models.signals import pre_migrate


class WiringConfig(AppConfig):
    """The last app to become ready: from then on no registry can change."""

    name = "governance.config"
    label = "config"

    def ready(self) -> None:
        from governance.kernel.registries import all_registries

        for registry in all_registries():
            registry.freeze()
        register(check_registries)
        pre_migrate.connect(leave_what_is_loaded)


def leave_what_is_loaded(**kwargs: object) -> None:
    """Migrating throws model classes away by the thousand, and looks for them as garbage.

    A quarter of its time went by looking through all modules again for each.
    """
    gc.freeze()


def check_registries(app_configs: object, **kwargs: object) -> list[Error]:
    """A registry that nobody filled is a feature that silently does not exist."""
    from governance.kernel.registries import all_registries

    return [
        Error(f"The registry of {registry.name} is empty.", id="placet.E001")
        for registry in all_registries()
        if not len(registry)
    ]
