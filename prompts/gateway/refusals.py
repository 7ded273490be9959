"""Why the gateway does not answer: one class per reason, with its status and code. Pure.

`retry_helps` false puts `x-should-retry: false` on the reply, so that no SDK tries again.
"""

from __future__ import annotations

from governance.kernel.errors import PlacetError


class Refusal(PlacetError):
    """Base of all; `type_name` is OpenAI's error type, `param` the field it is about."""

    type_name = "invalid_request_error"
    retry_helps = False
    blocks = True

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(Refusal):
    status, code = 400, "invalid_request"


class InvalidApiKey(Refusal):
    status, code, type_name = 401, "invalid_api_key", "authentication_error"


class InsufficientScope(Refusal):
    status, code, type_name = 403, "insufficient_scope", "permission_error"


class UseCaseSuspended(Refusal):
    status, code, type_name = 403, "use_case_suspended", "permission_error"


class ApprovalNotInForce(Refusal):
    status, code, type_name = 403, "approval_not_in_force", "permission_error"


class NoApprovedRelease(Refusal):
    status, code, type_name = 403, "no_approved_release", "permission_error"


class RateLimitExceeded(Refusal):
    status, code, type_name, retry_helps = 429, "rate_limit_exceeded", "rate_limit_error", True


class BudgetExceeded(Refusal):
    status, code, type_name = 402, "budget_exceeded", "billing_error"


class PriceUnknown(Refusal):
    status, code, type_name = 403, "price_unknown", "billing_error"


class IdempotencyKeyReused(Refusal):
    status, code = 422, "idempotency_key_reused"


class StillRunning(Refusal):
    status, code, retry_helps = 409, "still_running", True


class ModelNotFound(Refusal):
    status, code = 404, "model_not_found"


class InvalidVariables(Refusal):
    status, code = 400, "invalid_variables"


class UnsupportedParameter(Refusal):
    status, code = 400, "unsupported_parameter"


class ContentBlocked(Refusal):
    status, code = 400, "content_blocked"


class RequestTooLarge(Refusal):
    status, code = 413, "request_too_large"


class SensitivityNotPermitted(Refusal):
    status, code, type_name = 403, "sensitivity_not_permitted", "permission_error"


class NoDeploymentAvailable(Refusal):
    status, code, type_name = 503, "no_deployment_available", "api_error"
    retry_helps, blocks = True, False


class ProviderFailed(Refusal):
    status, code, type_name = 502, "provider_error", "api_error"
    retry_helps, blocks = True, False


class ProviderTimedOut(Refusal):
    status, code, type_name = 504, "provider_timeout", "api_error"
    retry_helps, blocks = True, False


class OutputContractFailed(Refusal):
    status, code, blocks = 422, "output_contract_failed", False


class ReviewNotPossible(Refusal):
    status, code, blocks = 403, "review_not_possible", False


ALL: tuple[type[Refusal], ...] = tuple(Refusal.__subclasses__())
