"""The uploaded file, line by line: a request, or why it is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from governance.kernel.errors import Invalid, TooLarge
from prompts.batches.rules import MOST_BYTES, MOST_LINE_BYTES, MOST_LINES
from prompts.gateway.refusals import Refusal
from prompts.gateway.shapes import governed_request, parsed_body

PATH = "/v1/chat/completions"
LONGEST_ID = 200
KNOWN = {"custom_id", "method", "url", "body", "variables"}


@dataclass(frozen=True)
class Line:
    """`body` is a request of /v1/chat/completions as JSON text; without one, `fault` says why."""

    number: int
    custom_id: str
    body: str = ""
    fault: str = ""
    end_user: str = ""


class Unfit(ValueError):
    """The sentence says what is wrong with the line."""


def read_lines(chunks: Iterable[bytes], model: str) -> Iterator[Line]:
    """Every line that is not empty; raises TooLarge or Invalid for the file as a whole."""
    seen: set[str] = set()
    read = 0
    for number, raw in enumerate(_split(chunks), 1):
        if not raw.strip():
            continue
        read += 1
        if read > MOST_LINES:
            raise TooLarge(f"Nothing was kept: a batch has at most {MOST_LINES:,} lines.")
        yield _line(number, raw, model, seen)


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream; what is longer than a line may be is cut, and found unfit later."""
    rest, size = b"", 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooLarge(f"Nothing was kept: a file has at most {MOST_BYTES // 1_000_000} MB.")
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    yield rest


def _line(number: int, raw: bytes, model: str, seen: set[str]) -> Line:
    custom_id = ""
    try:
        if len(raw) > MOST_LINE_BYTES:
            raise Unfit(f"The line has more than {MOST_LINE_BYTES:,} bytes.")
        given = _object(raw.removeprefix(b"\xef\xbb\xbf"))
        custom_id = _custom_id(given, seen)
        body = _request(given, model)
    except Unfit as unfit:
        return Line(number, custom_id, fault=str(unfit)[:500])
    end_user = str(body.get("user") or "")
    return Line(number, custom_id, json.dumps(body, ensure_ascii=False), end_user=end_user)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        given = parsed_body(raw)
    except Refusal as refusal:
        raise Unfit(refusal.message.replace("The body", "The line")) from None
    unknown = sorted(given.keys() - KNOWN)
    if unknown:
        raise Unfit(f"“{unknown[0][:80]}” is not known here.")
    return given


def _custom_id(given: dict[str, Any], seen: set[str]) -> str:
    custom_id = given.get("custom_id", "")
    if not isinstance(custom_id, str) or len(custom_id) > LONGEST_ID:
        raise Unfit(f"“custom_id” is a text of at most {LONGEST_ID} characters.")
    if custom_id and custom_id in seen:
        raise Unfit(f"The custom_id “{custom_id}” stands in an earlier line.")
    seen.add(custom_id)
    return custom_id


def _request(given: dict[str, Any], model: str) -> dict[str, Any]:
    """The body of the call, with the batch's model where the line names none."""
    if given.get("method", "POST") != "POST" or given.get("url", PATH) != PATH:
        raise Unfit(f"Only POST {PATH} runs in a batch.")
    if ("body" in given) == ("variables" in given):
        raise Unfit("A line has a “body” or “variables”, and only one of them.")
    body = given["body"] if "body" in given else {"variables": given["variables"]}
    if not isinstance(body, dict):
        raise Unfit("“body” is a JSON object.")
    body = {"model": model} | body
    if body.get("stream"):
        raise Unfit("Nothing is streamed in a batch; leave “stream” out.")
    if str(body["model"]).partition("/")[0] != model.partition("/")[0]:
        raise Unfit("The line names the model of another use case.")
    try:
        governed_request(body, "internal", presented_key="", idempotency_key="")
    except Refusal as refusal:
        raise Unfit(refusal.message) from None
    return body


def check_some_are_good(lines: list[Line]) -> None:
    """Raise Invalid, with the first faults, for a file in which no line is a request."""
    if any(not line.fault for line in lines):
        return
    faults = [f"Line {line.number}: {line.fault}" for line in lines[:5]]
    sentence = "No line of the file is a request." if lines else "The file is empty."
    raise Invalid(f"Nothing was kept. {sentence}", fields={"file": [sentence, *faults]})
