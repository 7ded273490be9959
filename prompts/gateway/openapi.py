"""`/v1/` in OpenAPI 3.1, made from the tables that serve it. Pure.

It is OpenAI's interface with what is taken of it here; statuses and codes are those of the
refusals, so that none can be given that is not described.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prompts.gateway.refusals import ALL

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NULLABLE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
METADATA: Schema = {
    "type": ["object", "null"],
    "description": "What governs the call besides: nothing of it reaches a model.",
    "properties": {
        "sensitivity": {"enum": ["public", "internal", "regulated"]},
        "environment": {"enum": ["production", "staging"]},
        "task_id": {"type": "string", "description": "The unit of work, for its cost."},
    },
}
MODEL: Schema = {
    "type": "string",
    "description": "The use case's short name, or use-case/prompt where it has several.",
}


def description(statuses: Mapping[int, str]) -> dict[str, Any]:
    """The whole document; `statuses` are those of refusals that the door itself gives."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Placet's gateway",
            "version": "1",
            "description": "OpenAI's interface to what an organisation has approved.",
        },
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "paths": {
            "/chat/completions": {"post": _chat(statuses)},
            "/embeddings": {"post": _embeddings(statuses)},
            "/models": {"get": _models(statuses)},
            "/calls/{call}/feedback": {"post": _feedback(statuses)},
            "/openapi.json": {"get": _itself(statuses)},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
        },
    }


def _operation(
    name: str, summary: str, statuses: Mapping[int, str], replies: dict[str, Any]
) -> dict[str, Any]:
    told: dict[int, list[str]] = {}
    for refusal in ALL:
        told.setdefault(refusal.status, []).append(refusal.code)
    for status, code in statuses.items():
        told.setdefault(status, []).append(code)
    errors = {
        str(status): {
            "description": ", ".join(sorted(set(codes))),
            "content": {"application/json": {"schema": _named("Error")}},
        }
        for status, codes in sorted(told.items())
    }
    well = {"200": {"description": "Governed, and booked.", "content": replies}}
    return {"operationId": name, "summary": summary, "responses": well | errors}


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _named(name)}}


def _sent(name: str) -> dict[str, Any]:
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
    return {"requestBody": {"required": True, "content": _json(name)}, "parameters": [key]}


def _chat(statuses: Mapping[int, str]) -> dict[str, Any]:
    replies = _json("Completion") | {"text/event-stream": {"schema": TEXT}}
    summary = "Ask an approved prompt; with `stream`, as server-sent events."
    return _operation("chat", summary, statuses, replies) | _sent("ChatRequest")


def _embeddings(statuses: Mapping[int, str]) -> dict[str, Any]:
    summary = "Embeddings of texts, by a prompt that was released for them."
    operation = _operation("embeddings", summary, statuses, _json("EmbeddingList"))
    return operation | _sent("EmbeddingRequest")


def _feedback(statuses: Mapping[int, str]) -> dict[str, Any]:
    summary = "What an end user says of an answer: a thumb, a text, a better answer."
    operation = _operation("feedback", summary, statuses, _json("Feedback"))
    again = {"description": "The same key said it before.", "content": _json("Feedback")}
    kept = {"description": "Kept.", "content": _json("Feedback")}
    operation["responses"] |= {"200": again, "201": kept}
    sent = _sent("FeedbackRequest")
    where = {
        "name": "call",
        "in": "path",
        "required": True,
        "schema": TEXT,
        "description": "The id of the call (`x-call-id`), or of its completion.",
    }
    return operation | sent | {"parameters": [where, *sent["parameters"]]}


def _models(statuses: Mapping[int, str]) -> dict[str, Any]:
    return _operation("models", "What this key may call.", statuses, _json("ModelList"))


def _itself(statuses: Mapping[int, str]) -> dict[str, Any]:
    replies = {"application/json": {"schema": {"type": "object"}}}
    return _operation("openapi", "This document.", statuses, replies) | {"security": []}


def _object(required: tuple[str, ...], **properties: Any) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _all(**properties: Any) -> Schema:
    return _object(tuple(properties), **properties)


def _list(item: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": item} | more


VERDICT: Schema = {"enum": ["approve", "correct", "reject"]}
USAGE = _all(prompt_tokens=COUNT, total_tokens=COUNT)
VECTOR: Schema = {"type": ["array", "string"], "items": {"type": "number"}}
SCHEMAS: dict[str, Schema] = {
    "Error": _all(
        error=_all(message=TEXT, type=TEXT, param=NULLABLE_TEXT, code=TEXT),
    ),
    "ChatRequest": _object(
        ("model",),
        model=MODEL,
        messages=_list(_object(("role",), role=TEXT), type=["array", "null"]),
        variables={"type": ["object", "null"], "description": "What fills the template."},
        metadata=METADATA,
        user=NULLABLE_TEXT,
        stream={"type": ["boolean", "null"]},
        stream_options={"type": ["object", "null"]},
        max_tokens={"type": ["integer", "null"]},
        max_completion_tokens={"type": ["integer", "null"]},
        response_format={"type": ["object", "null"]},
        tools=_list({"type": "object"}, type=["array", "null"]),
    ),
    "Completion": _object(
        ("id", "object", "created", "model", "choices", "usage"),
        id=TEXT,
        object={"const": "chat.completion"},
        created={"type": "integer"},
        model=TEXT,
        choices=_list(
            _all(
                index=COUNT,
                message=_object(("role", "content"), role=TEXT, content=NULLABLE_TEXT),
                finish_reason={"enum": ["stop", "length", "tool_calls", "content_filter"]},
            )
        ),
        usage=USAGE,
        review={"type": "object", "description": "Where and until when a held answer is decided."},
        overturned={
            **_all(
                verdict=VERDICT,
                at=TEXT,
                output_sha256=NULLABLE_TEXT,
                url=TEXT,
                before=_list(_all(verdict=VERDICT, at=TEXT, output_sha256=NULLABLE_TEXT)),
            ),
            "description": "Of a repeated request whose answer was decided otherwise since: what "
            "stands now, to be fetched at `url`, and what stood before. The content is what was "
            "delivered; null where it was rejected. `x-call-overturned` says the verdict.",
        },
    ),
    "EmbeddingRequest": _object(
        ("model", "input"),
        model=MODEL,
        input={"type": ["string", "array"], "items": TEXT, "maxItems": 2048},
        encoding_format={"enum": ["float", "base64", None]},
        dimensions={"type": ["integer", "null"]},
        user=NULLABLE_TEXT,
        metadata=METADATA,
    ),
    "EmbeddingList": _all(
        object={"const": "list"},
        model=TEXT,
        usage=USAGE,
        data=_list(_all(object={"const": "embedding"}, index=COUNT, embedding=VECTOR)),
    ),
    "FeedbackRequest": _object(
        ("thumb",),
        thumb={"enum": ["up", "down"]},
        text={"type": ["string", "null"], "maxLength": 5000},
        correction={
            "type": ["string", "null"],
            "maxLength": 200_000,
            "description": "The whole answer as it should have been.",
        },
        user={
            "type": ["string", "null"],
            "maxLength": 200,
            "description": "The end user, as calls name them; kept as its SHA-256.",
        },
    ),
    "Feedback": _all(
        id=TEXT,
        object={"const": "call.feedback"},
        call=TEXT,
        thumb={"enum": ["up", "down"]},
        state={
            **TEXT,
            "description": "kept, in_review or second_look; later confirmed, overturned, "
            "corrected or lapsed.",
        },
        kept=_all(text={"type": "boolean"}, correction={"type": "boolean"}),
        keep_until=NULLABLE_TEXT,
        redactions={"type": "object"},
        contract=_all(keeps={"type": ["boolean", "null"]}, problems=_list(TEXT)),
        created=COUNT,
    ),
    "ModelList": _all(
        object={"const": "list"},
        data=_list(_all(id=TEXT, object={"const": "model"}, created=COUNT, owned_by=TEXT)),
    ),
}
