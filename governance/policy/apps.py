from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "governance.policy"
    label = "policy"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from governance.policy import hooks  # noqa: F401  # fills the registries
        from governance.policy.checks import check_keys

        register(check_keys, Tags.database)
