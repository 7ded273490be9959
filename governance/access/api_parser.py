"""JSON as it is sent: not too large, not too deep, and only text that can be kept."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from governance.kernel.errors import Invalid, TooLarge
from governance.kernel.terms import cannot_be_kept

DEEPEST = 32
MOST_VALUES = 50_000
TOO_DEEP = f"Nothing was saved: the JSON is nested deeper than {DEEPEST} levels."
TOO_MANY = f"Nothing was saved: the JSON has more than {MOST_VALUES:,} values."
NUL = "It holds a character that cannot be kept (NUL or half of a surrogate pair)."


class LimitedJSONParser(JSONParser):
    """Reads at most what a request may hold, whatever length it gave."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        sent = stream.read(most + 1)
        if len(sent) > most:
            raise TooLarge(f"Nothing was saved: a request holds at most {most // 1_000_000} MB.")
        try:
            value = super().parse(io.BytesIO(sent), media_type, dict(parser_context or {}))
        except RecursionError:
            raise Invalid(TOO_DEEP) from None
        except ValueError as error:  # a number of thousands of digits
            raise ParseError(f"JSON parse error - {error}") from None
        check_sent(value)
        return value


def check_sent(value: Any) -> None:
    """Raise Invalid, with the member's name, for JSON that is too deep, too long or unkeepable."""
    level, depth, values = [("", value)], 0, 0
    while level:
        depth, values = depth + 1, values + len(level)
        if depth > DEEPEST:
            raise Invalid(TOO_DEEP)
        if values > MOST_VALUES:
            raise Invalid(TOO_MANY)
        inside: list[tuple[str, Any]] = []
        for name, one in level:
            if isinstance(one, str):
                _check_text(name, one)
            elif isinstance(one, dict):
                for key, member in one.items():
                    _check_text(name, key)
                    inside.append((name or key, member))
            elif isinstance(one, list):
                inside += [(name, member) for member in one]
        level = inside


def _check_text(name: str, text: str) -> None:
    if cannot_be_kept(text):
        fields = {name: [NUL]} if name else {}
        raise Invalid("Nothing was saved: a text does not fit.", fields=fields)
