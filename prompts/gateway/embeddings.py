"""Embeddings in OpenAI's shape, and what must hold of the vectors that a provider gives.

An embeddings use is approved as every other: by the release of a prompt version, whose output
contract is an embedding. It has no messages; what the caller sends is screened and redacted as
messages are, and becomes the input. No vector is kept: the call's row has their digest.
"""

from __future__ import annotations

import base64
import json
import math
from array import array
from collections.abc import Sequence
from typing import Any

from governance.kernel.canonical import text_digest
from prompts.gateway.context import CallContext, GovernedRequest
from prompts.gateway.refusals import InvalidRequest, OutputContractFailed, UnsupportedParameter
from prompts.gateway.reply import GovernedReply
from prompts.gateway.shapes import body_hash, known_call

KNOWN_FIELDS = {"model", "input", "encoding_format", "dimensions", "user", "metadata"}
FORMATS = ("float", "base64")
MOST_INPUTS = 2048
Vector = tuple[float, ...]


def governed_request(
    body: dict[str, Any], *, presented_key: str, idempotency_key: str
) -> GovernedRequest:
    """The request as the pipeline takes it; refuses by name what is not supported."""
    _check_fields(body)
    metadata = body.get("metadata") or {}
    wanted = body.get("dimensions")
    return GovernedRequest(
        model=body["model"],
        presented_key=presented_key,
        inputs=_inputs(body.get("input")),
        parameters={} if wanted is None else {"dimensions": wanted},
        sensitivity=str(metadata.get("sensitivity", "")),
        environment=str(metadata.get("environment", "production")),
        idempotency_key=idempotency_key[:200],
        body_hash=body_hash(body) if idempotency_key else "",
        task_id=str(metadata.get("task_id", ""))[:200],
        end_user=str(body.get("user") or ""),
    )


def _check_fields(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise InvalidRequest("“model” names the use case.", param="model")
    for name in sorted(body.keys() - KNOWN_FIELDS):
        if body[name] is not None:
            raise UnsupportedParameter(
                f"“{name}” is not supported here; leave it out.", param=name[:100]
            )
    if body.get("encoding_format") not in (None, *FORMATS):
        raise InvalidRequest("encoding_format is float or base64.", param="encoding_format")
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise InvalidRequest("“metadata” has another type.", param="metadata")
    if (metadata or {}).get("environment", "production") not in ("staging", "production"):
        raise InvalidRequest("metadata.environment is staging or production.", param="metadata")


def _inputs(given: Any) -> tuple[str, ...]:
    """One text or a list of them. Tokens are refused: no screen can read them."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise InvalidRequest("“input” is a text or a list of texts.", param="input")
    if any(isinstance(one, int | list) for one in texts):
        raise UnsupportedParameter(
            "“input” is taken as text, not as tokens, because nobody could look at tokens first "
            "(langchain-openai: check_embedding_ctx_length=False).",
            param="input",
        )
    if not all(isinstance(one, str) and one.strip() for one in texts):
        raise InvalidRequest("Every text of “input” says something.", param="input")
    if len(texts) > MOST_INPUTS:
        raise InvalidRequest(f"“input” has at most {MOST_INPUTS:,} texts.", param="input")
    return tuple(texts)


def embedding_list(reply: GovernedReply, model: str, body: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's list of embeddings."""
    is_packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": packed(one) if is_packed else [*one]}
        for index, one in enumerate(reply.vectors)
    ]
    tokens = known_call(reply).tokens_input
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def packed(vector: Vector) -> str:
    """Little-endian numbers of four bytes in base64, as OpenAI's clients unpack them."""
    numbers = array("f", vector)
    if numbers.itemsize != 4:
        raise RuntimeError("A float has four bytes on every machine that this runs on.")
    if array("H", b"\x01\x00")[0] != 1:
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def check_vectors(context: CallContext) -> str:
    """One finite vector for each text, all as long as was asked for. Raises OutputContractFailed."""
    vectors = context.vectors
    lengths = {len(one) for one in vectors}
    wanted = context.asked.parameters.get("dimensions")
    if len(vectors) != len(context.messages):
        problem = f"{len(vectors)} embeddings came for {len(context.messages)} texts."
    elif len(lengths) != 1 or 0 in lengths or (wanted and lengths != {wanted}):
        problem = "They have another length than was asked for."
    elif not all(math.isfinite(number) for one in vectors for number in one):
        problem = "Not every number is finite."
    else:
        return f"{len(vectors)} embeddings of {lengths.pop()} numbers"
    context.vectors = ()
    raise OutputContractFailed(f"The model's embeddings are no use: {problem} They were booked.")


def vectors_digest(vectors: Sequence[Vector]) -> str:
    """What is kept of them; empty where there are none."""
    return text_digest(json.dumps(vectors)) if vectors else ""
