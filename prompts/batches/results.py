"""What came of a batch, as JSON Lines in the shape of OpenAI's batch files.

Written from the calls as they stand: what was held when the batch ended has its decided answer
in a later download, and what was overturned since has the answer that stands, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from prompts.batches.models import Batch, BatchLine
from prompts.batches.rules import LineState
from prompts.gateway.overturned import as_it_stands
from prompts.gateway.reply import reply_of_earlier
from prompts.gateway.shapes import completion, error_body
from reviews.decisions.standing import Overturned, overturned_among

RESULTS, ERRORS = "results", "errors"
AT_ONCE = 500
_WITH_CALL = (
    "call__use_case",
    "call__deployment",
    "call__review_item",
    "call__payload",
    "call__restorable",
)


def result_lines(batch: Batch, *, is_for_its_caller: bool = False) -> Iterator[bytes]:
    """A line for each that was answered or is held. Values are restored for the batch's key alone."""
    done = batch.lines.filter(state=LineState.DONE).select_related(*_WITH_CALL)
    lines = done.iterator(chunk_size=AT_ONCE)
    while some := list(islice(lines, AT_ONCE)):
        changed = overturned_among(one.call for one in some if one.call)
        for line in some:
            since = changed.get(line.call_id) if line.call_id else None
            yield _written(line, _response(batch, line, since, is_for_its_caller), None)


def error_lines(batch: Batch) -> Iterator[bytes]:
    """A line for each that was refused, failed, or was no request at all."""
    bad = batch.lines.filter(state__in=[LineState.FAILED, LineState.INVALID])
    for line in bad.select_related(*_WITH_CALL).iterator(chunk_size=AT_ONCE):
        error = {"code": line.fault_code, "message": line.fault, "line": line.number}
        yield _written(line, _refused(line), error)


def _written(
    line: BatchLine, response: dict[str, Any] | None, error: dict[str, Any] | None
) -> bytes:
    body = {
        "id": f"batch_req_{line.batch_id.hex}_{line.number}",
        "custom_id": line.custom_id or None,
        "response": response,
        "error": error,
    }
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def _response(
    batch: Batch, line: BatchLine, since: Overturned | None, is_for_its_caller: bool
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if line.call:
        earlier = reply_of_earlier(line.call, is_for_its_caller=is_for_its_caller)
        reply = as_it_stands(earlier, since, is_for_its_caller=is_for_its_caller)
        body = completion(reply, batch.model)
    return {"status_code": 200, "request_id": str(line.call_id), "body": body}


def _refused(line: BatchLine) -> dict[str, Any] | None:
    reply = reply_of_earlier(line.call) if line.call else None
    if reply is None or reply.refusal is None:
        return None
    refusal = reply.refusal
    status = refusal.status
    return {"status_code": status, "request_id": str(line.call_id), "body": error_body(refusal)}
