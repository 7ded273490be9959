"""What a service raises when it will not. One middleware and one DRF handler map these.

Every message is a sentence for a person: what happened, what was kept, what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class PlacetError(Exception):
    """Base of all refusals; `status` is the HTTP status, `code` the stable machine word."""

    status = 400
    code = "refused"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Invalid(PlacetError):
    """The input does not fit. `fields` maps a field's name to its messages."""

    status = 400
    code = "invalid"

    def __init__(
        self,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.fields: dict[str, list[str]] = {k: list(v) for k, v in (fields or {}).items()}


class TooLarge(PlacetError):
    """More was sent than is taken."""

    status = 413
    code = "too_large"


class NotAllowed(PlacetError):
    """This person may not do this, and may know that it exists."""

    status = 403
    code = "not_allowed"


class NotFound(PlacetError):
    """It does not exist, or this person may not know that it does."""

    status = 404
    code = "not_found"


class WrongState(PlacetError):
    """The thing is not in a state from which this can be done."""

    status = 409
    code = "wrong_state"


class Conflict(PlacetError):
    """Somebody was faster, or what was decided on has changed since it was seen."""

    status = 409
    code = "conflict"


class Unavailable(PlacetError):
    """Something this needs does not answer now. `retry_after_seconds` is a promise to keep."""

    status = 503
    code = "unavailable"

    def __init__(
        self, message: str, *, retry_after_seconds: int = 5, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds
