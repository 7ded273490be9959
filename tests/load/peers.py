"""Other gateways beside ours: LiteLLM's proxy and Portkey's open gateway.

Each is installed in a folder of its own outside the project (kept for the next run), stands in
front of the same scripted provider, and keeps no ledger: what they are asked is less than what
Placet does. `make bench ONLY=http` runs them beside it; where one cannot be installed, the table
says so and goes on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.load.processes import free_port, started

FOLDER = Path(tempfile.gettempdir()) / "placet-bench-peers"
LITELLM = "1.106.2"
PORTKEY = "1.15.2"
LITELLM_CONFIG = """
model_list:
  - model_name: scripted
    litellm_params: {{model: openai/scripted, api_base: "{provider}", api_key: none}}
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false}}
"""


@dataclass(frozen=True)
class Peer:
    """A gateway that answers at `url`, with the headers that it wants."""

    name: str
    url: str
    headers: dict[str, str]
    pid: int


@contextmanager
def running(provider: str) -> Iterator[list[Peer]]:
    """Those that could be installed and started, in front of `provider` (its `/v1`)."""
    with ExitStack() as stack:
        found = []
        for start in (litellm, portkey):
            try:
                found.append(stack.enter_context(start(provider)))
            except (OSError, subprocess.CalledProcessError, SystemExit) as reason:
                print(f"{start.__name__} is left out: {reason}", file=sys.stderr)
        yield found


@contextmanager
def litellm(provider: str) -> Iterator[Peer]:
    """LiteLLM's proxy with two workers and no database."""
    folder = FOLDER / f"litellm-{LITELLM}"
    python = folder / "bin" / "python"
    _once(
        folder,
        lambda: _run(sys.executable, "-m", "venv", str(folder)),
        lambda: _run(str(python), "-m", "pip", "install", "-q", f"litellm[proxy]=={LITELLM}"),
    )
    config, port = folder / "bench.yaml", free_port()
    config.write_text(LITELLM_CONFIG.format(provider=provider))
    command = (str(folder / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1")
    options = ("--port", str(port), "--num_workers", "2")
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    # With our database's address it would keep its books there.
    with started(*command, *options, port=port, without=["DATABASE_URL"], **quiet) as process:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        yield Peer("litellm", url, {"authorization": "Bearer sk-bench"}, process.pid)


@contextmanager
def portkey(provider: str) -> Iterator[Peer]:
    """Portkey's open gateway, one Node process as it comes."""
    folder = FOLDER / f"portkey-{PORTKEY}"
    install = ("npm", "install", "--silent", "--prefix", str(folder))
    _once(folder, lambda: _run(*install, f"@portkey-ai/gateway@{PORTKEY}"))
    script = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    port = free_port()
    with started("node", str(script), f"--port={port}", "--headless", port=port) as process:
        headers = {
            "authorization": "Bearer none",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": provider,
        }
        yield Peer("portkey", f"http://127.0.0.1:{port}/v1/chat/completions", headers, process.pid)


def _once(folder: Path, *steps: Callable[[], None]) -> None:
    """Install where that was not done to its end before."""
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for step in steps:
            step()
        done.touch()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
