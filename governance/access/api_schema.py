"""How the OpenAPI schema describes API keys, and what the generator says wrongly."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "governance.access.api_authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def free_json_may_be_null(result: Any, **_: Any) -> Any:
    """A nullable JSON field comes as "exactly one of anything and null", which null is twice."""
    if isinstance(result, dict):
        if result.get("oneOf") == [{}, {"type": "null"}]:
            return {name: value for name, value in result.items() if name != "oneOf"}
        return {name: free_json_may_be_null(value) for name, value in result.items()}
    if isinstance(result, list):
        return [free_json_may_be_null(one) for one in result]
    return result
