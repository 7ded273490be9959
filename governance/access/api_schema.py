"""How the OpenAPI schema describes API keys, and what the generator says wrongly."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "governance.access.api_authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def free_json_may_be_null(result: Any, **_: Any) -> Any:
    """A nullable JSON field comes as "exactly one of anything and null", which null is twice.

    And an address that is not given is an empty text, which is no address.
    """
    if isinstance(result, dict):
        if result.get("type") == "string" and result.get("format") == "uri":
            return {name: value for name, value in result.items() if name != "format"}
        if result.get("oneOf") == [{}, {"type": "null"}]:
            return {name: value for name, value in result.items() if name != "oneOf"}
        return {name: free_json_may_be_null(value) for name, value in result.items()}
    if isinstance(result, list):
        return [free_json_may_be_null(one) for one in result]
    return result


def errors_are_problems(result: Any, **_: Any) -> Any:
    """Every address may refuse, and each refusal is a problem (RFC 9457)."""
    result["components"]["schemas"]["Problem"] = {
        "type": "object",
        "description": "Why nothing came of the request; `type` leads to its explanation.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "errors": {"description": "What is wrong, by field."},
        },
        "required": ["type", "title", "status", "code"],
    }
    problem = {
        "description": "A problem: nothing was done, and its title says what to do.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for path in result["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", problem)
    return result
