"""An SMTP server on loopback: what a mail program says to it, word for word."""

from __future__ import annotations

import re
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from tests.factories.serving import serving


@dataclass
class PostOffice:
    """Mails as (recipient, message). `answers` to RCPT in order, the last for ever."""

    url: str = ""
    answers: list[str] = field(default_factory=lambda: ["250 OK"])
    got: list[tuple[str, EmailMessage]] = field(default_factory=list)


@contextmanager
def post_office(*answers: str) -> Iterator[PostOffice]:
    office = PostOffice(answers=list(answers) or ["250 OK"])

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            recipient = ""
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self._say(
                        office.answers.pop(0) if len(office.answers) > 1 else office.answers[0]
                    )
                elif word == b"DATA":
                    self._say("354 go on")
                    office.got.append((recipient, self._read_mail()))
                    self._say("250 taken")
                else:
                    self._say("221 bye" if word == b"QUIT" else "250 OK")

        def _read_mail(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            return cast(EmailMessage, message_from_bytes(b"".join(lines), policy=policy.default))

        def _say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
    server.daemon_threads = True
    office.url = f"smtp://127.0.0.1:{server.server_address[1]}?from=placet@a.example"
    with serving(server):
        yield office


def code_in(mail: EmailMessage) -> str:
    """The one code that stands on a line of its own."""
    [code] = re.findall(r"^([A-Z0-9]+(?:-[A-Z0-9]+)+)\s*$", mail.get_content(), re.M)
    return str(code)
