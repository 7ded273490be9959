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
    """The body is not a request of this API. The sentence says which field; correct it."""

    status, code = 400, "invalid_request"


class InvalidApiKey(Refusal):
    """No such key, or it was revoked or has run out. Ask the use case's owner for another."""

    status, code, type_name = 401, "invalid_api_key", "authentication_error"


class InsufficientScope(Refusal):
    """The key may not do this. Keys are made with what they may do."""

    status, code, type_name = 403, "insufficient_scope", "permission_error"


class UseCaseSuspended(Refusal):
    """A safety officer threw the kill switch. Nothing runs until it is resumed."""

    status, code, type_name = 403, "use_case_suspended", "permission_error"


class ApprovalNotInForce(Refusal):
    """What the call rests on is not approved, or no longer. Its owner proposes it again."""

    status, code, type_name = 403, "approval_not_in_force", "permission_error"


class NoApprovedRelease(Refusal):
    """The use case has no prompt released in this environment. Propose a release."""

    status, code, type_name = 403, "no_approved_release", "permission_error"


class RateLimitExceeded(Refusal):
    """A limit of the key, the use case or the deployments is used up. Wait as `Retry-After` says."""

    status, code, type_name, retry_helps = 429, "rate_limit_exceeded", "rate_limit_error", True


class BudgetExceeded(Refusal):
    """A budget above the call has no room for the most it could cost. Finance can raise it."""

    status, code, type_name = 402, "budget_exceeded", "billing_error"


class PriceUnknown(Refusal):
    """No price is set for the deployment, and unknown is not free. Finance sets it."""

    status, code, type_name = 403, "price_unknown", "billing_error"


class IdempotencyKeyReused(Refusal):
    """The key was used with another body. A new request needs a new key."""

    status, code = 422, "idempotency_key_reused"


class StillRunning(Refusal):
    """The same request is being answered. Ask again; it is not run twice."""

    status, code, retry_helps = 409, "still_running", True


class ResultGone(Refusal):
    """The answer was given as often as the use case gives it. Make the call again."""

    status, code = 410, "result_gone"


class CostLimitReached(Refusal):
    """The next attempt could cost more than the caller gave it. Nothing was asked of a model."""

    status, code, type_name = 402, "cost_limit_reached", "billing_error"


class ModelNotFound(Refusal):
    """The model is the use case's short name, and this one does not exist or is not the key's."""

    status, code = 404, "model_not_found"


class InvalidVariables(Refusal):
    """The variables do not fit the schema of the released prompt."""

    status, code = 400, "invalid_variables"


class UnsupportedParameter(Refusal):
    """The release does not allow this parameter. It is refused rather than dropped."""

    status, code = 400, "unsupported_parameter"


class ContentBlocked(Refusal):
    """Policy forbids what was sent or answered. The call page says which rule."""

    status, code = 400, "content_blocked"


class RequestTooLarge(Refusal):
    """More text than the gateway or the model takes. Shorten it."""

    status, code = 413, "request_too_large"


class SensitivityNotPermitted(Refusal):
    """No deployment of the release may see content this sensitive."""

    status, code, type_name = 403, "sensitivity_not_permitted", "permission_error"


class NoDeploymentAvailable(Refusal):
    """Every deployment of the release is suspended, failing or busy. Wait as `Retry-After` says."""

    status, code, type_name = 503, "no_deployment_available", "api_error"
    retry_helps, blocks = True, False


class ProviderFailed(Refusal):
    """The provider answered with an error. Nothing more is tried; try again later."""

    status, code, type_name = 502, "provider_error", "api_error"
    retry_helps, blocks = True, False


class ProviderTimedOut(Refusal):
    """The provider did not answer in time. What it may have billed is looked into."""

    status, code, type_name = 504, "provider_timeout", "api_error"
    retry_helps, blocks = True, False


class OutputContractFailed(Refusal):
    """The answer did not fit the contract, also after one repair. It was not let out."""

    status, code, blocks = 422, "output_contract_failed", False


class ReviewNotPossible(Refusal):
    """A person would have to decide, and there is no queue for it. Ask the review lead."""

    status, code, blocks = 403, "review_not_possible", False


class CallNotFound(Refusal):
    """There is no such call, or it is not one of this key's use case."""

    status, code = 404, "call_not_found"


class AnswerNotGiven(Refusal):
    """Feedback is for answers that were given; this call's was not, or not yet."""

    status, code = 400, "answer_not_given"


class FeedbackLimitReached(Refusal):
    """The call has as much feedback as is taken of one call."""

    status, code = 400, "feedback_limit"


class Cancelled(Refusal):
    """Its caller cancelled the call before it ran. Make a new one, under a new idempotency key."""

    status, code, blocks = 410, "cancelled", False


class Lost(Refusal):
    """The process that ran the call ended before it was settled. Make a new one; what this one
    may have cost is looked into."""

    status, code, type_name, blocks = 410, "lost", "api_error", False


class DatabaseAway(Refusal):
    """The database does not answer, and nothing is delivered that is not booked. Ask again."""

    status, code, type_name = 503, "database_away", "api_error"
    retry_helps, blocks = True, False

    def __init__(self) -> None:
        super().__init__(
            "The gateway's database does not answer, so no answer can leave. Ask again in a moment.",
            retry_after_seconds=2,
        )


class Unexpected(Refusal):
    """A fault of ours. The log has it under the request id of the reply."""

    status, code, type_name = 500, "internal_error", "api_error"
    retry_helps, blocks = True, False

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. Ask again, or give us the request id.")


ALL: tuple[type[Refusal], ...] = tuple(Refusal.__subclasses__())
