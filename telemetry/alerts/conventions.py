"""OpenTelemetry's names for what models do, as our own constants. Pure.

The attributes of the `opentelemetry-semantic-conventions` package are marked deprecated since the
GenAI conventions moved to a repository of their own; these are the names that stand there.
"""

from __future__ import annotations

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
CHAT: Final = "chat"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105  # no password
INPUT: Final = "input"
OUTPUT: Final = "output"
ERROR: Final = "error.type"

TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105  # no password
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
FIRST_TOKEN: Final = "gen_ai.server.time_to_first_token"  # noqa: S105  # no password
TOKEN_BOUNDS: Final = tuple(4**power for power in range(14))
SECOND_BOUNDS: Final = tuple(2**power / 100 for power in range(14))

# What no convention has a name for: what governed the call.
CALL_ID: Final = "placet.call.id"
CALL_STATE: Final = "placet.call.state"
CALL_MODE: Final = "placet.call.mode"
USE_CASE: Final = "placet.use_case"
TEAM: Final = "placet.team"
PROMPT_VERSION: Final = "placet.prompt.version"
DEPLOYMENT: Final = "placet.deployment"
SENSITIVITY: Final = "placet.sensitivity"
FINDINGS: Final = "placet.findings"
ATTEMPT: Final = "placet.attempt"
STAGE_OUTCOME: Final = "placet.stage.outcome"
"""passed or refused."""
