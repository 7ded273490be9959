"""Serves the embedded model over OpenAI's protocol on loopback; runs as a process of its own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> None:
    """`model_server MODEL PORT ADDRESS_FILE`: writes its address, then serves until stopped."""
    import xllamacpp

    model, port, address_file = sys.argv[1:4]
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.n_ctx = 16384
    parameters.n_parallel = 2
    server = xllamacpp.Server(parameters)
    Path(address_file).write_text(f"{server.listening_address}/v1\n")

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.pause()


if __name__ == "__main__":
    main()
