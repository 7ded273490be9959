"""langchain-openai at its defaults: `langchain_client.py ADDRESS KEY`.

It imports nothing of the project, because it runs where there is only the client.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # not in our environment
from pydantic import BaseModel

READER, CLERK = "licence-review/licence-reader", "licence-review/clerk"
VARIABLES = {"variables": {"licence_text": "MIT License"}}


class open_ticket(BaseModel):  # noqa: N801  # the tool's name is the class's
    """Opens a ticket."""

    title: str
    urgent: bool


def run(address: str, key: str) -> None:
    reader = ChatOpenAI(model=READER, base_url=address, api_key=key, extra_body=VARIABLES)
    assert "MIT" in reader.invoke([]).text
    assert "MIT" in "".join(piece.text for piece in reader.stream([]))
    clerk = ChatOpenAI(model=CLERK, base_url=address, api_key=key)
    reply = clerk.bind_tools([open_ticket], strict=True).invoke("The printer is broken.")
    (call,) = reply.tool_calls
    assert (call["name"], call["args"]) == ("open_ticket", {"title": "Printer", "urgent": False})


if __name__ == "__main__":
    run(*sys.argv[1:])
    print(f"langchain-openai {version('langchain-openai')}: all is well")
