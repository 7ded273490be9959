"""A gateway that listens, with one prompt that answers in JSON and one that calls a tool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from governance.config.asgi import application
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.catalogue import services as catalogue
from prompts.gateway.demo import organisation as demo
from tests.factories.organisation import World, world

TICKET: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "open_ticket",
        "description": "Opens a ticket.",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "urgent": {"type": "boolean"}},
            "required": ["title", "urgent"],
            "additionalProperties": False,
        },
    },
}
TOOLS: dict[str, Any] = {"type": "tools", "tools": [TICKET]}


def with_clerk(contract: dict[str, Any] = TOOLS, **content: Any) -> World:
    """Nobody looks at its answers first; `licence-review/clerk` takes messages and calls tools."""
    made = world()
    UseCase.objects.filter(pk=made.use_case.pk).update(oversight="none", tier="minimal")
    author = made.people.actor("prompt_engineer")
    made.use_case.refresh_from_db()
    prompt = catalogue.create_prompt(
        actor=author, name="Clerk", slug="clerk", use_case=made.use_case, now=made.now
    )
    facts: dict[str, Any] = {
        "messages": [{"role": "system", "content": "You open tickets."}],
        "variables": {},
        "output_contract": contract,
        "parameters": {},
        "takes_caller_messages": True,
        "changelog": "First",
    }
    version = catalogue.create_version(
        actor=author, prompt=prompt, now=made.now, **(facts | content)
    )
    local = Deployment.objects.get(hosting="embedded")
    change = demo._propose(made.people, version, local, "Tickets are opened by hand.", made.now)
    demo.sign(made.people, change, made.now)
    return made


def with_embedder(here: World, contract: dict[str, Any] | None = None) -> World:
    """`licence-review/embedder` besides: released like every prompt, and it has no messages."""
    author = here.people.actor("prompt_engineer")
    prompt = catalogue.create_prompt(
        actor=author, name="Embedder", slug="embedder", use_case=here.use_case, now=here.now
    )
    version = catalogue.create_version(
        actor=author,
        prompt=prompt,
        messages=[],
        variables={},
        output_contract=contract or {"type": "embedding", "dimensions": [2, 8]},
        parameters={},
        changelog="First",
        now=here.now,
    )
    local = Deployment.objects.get(hosting="embedded")
    change = demo._propose(here.people, version, local, "Texts are searched by hand.", here.now)
    demo.sign(here.people, change, here.now)
    return here


@contextmanager
def listening() -> Iterator[str]:
    """The address of the gateway behind a real web server, on a free port of this machine."""
    config = uvicorn.Config(application, port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # connections wait in the socket's queue until the server takes them
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
