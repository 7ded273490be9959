from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "governance.policy"
    label = "policy"

    def ready(self) -> None:
        from governance.policy import hooks  # noqa: F401  # fills the registries
