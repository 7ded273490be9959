"""The web server's entrance: the gateway for applications, Django's handler for everybody else."""

import gc
import os
from importlib import import_module
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.config.settings")
# Whoever starts it, a web process keeps a pool of connections.
os.environ.setdefault("PLACET_PROCESS", "web")

# What comes now is here to stay: no garbage is looked for until the door is warm, which saves a
# tenth of the start.
gc.disable()
django.setup(set_prefix=False)
pages = import_module("governance.config.bodies").SealedBodies()
door = import_module("prompts.gateway.asgi")
door.warm()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Dispatch by path alone."""
    is_call = scope["type"] == "http" and scope["path"].startswith("/v1/")
    await (door.application if is_call else pages)(scope, receive, send)
