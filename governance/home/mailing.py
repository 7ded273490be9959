"""Mail over the operator's SMTP server (`PLACET_MAIL_URL`). Without one nothing is sent."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

BACKEND = "django.core.mail.backends.smtp.EmailBackend"
MOST_SECONDS = 20
PORTS = {"smtp": 25, "smtps": 465}
SUBMISSION = 587


class MailFault(Exception):
    """The mail was not taken; the message says why, without an address or a password in it."""


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True)
class Server:
    """`smtps` is TLS from the first byte; with a name or on port 587 `smtp` changes to TLS."""

    host: str
    port: int
    user: str
    password: str
    sender: str
    is_tls: bool

    def connection(self) -> Any:
        starts_tls = not self.is_tls and (bool(self.user) or self.port == SUBMISSION)
        return get_connection(
            BACKEND,
            host=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_ssl=self.is_tls,
            use_tls=starts_tls,
            timeout=MOST_SECONDS,
        )


def server_of(url: str) -> Server | None:
    """`smtp://user:password@host:port?from=address`; None for nothing, or what is no such address."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname:
        return None
    sender = parse_qs(parts.query).get("from", [f"placet@{parts.hostname}"])[0]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port, user, password, sender, parts.scheme == "smtps")


def is_configured() -> bool:
    return server_of(settings.PLACET_MAIL_URL) is not None


def absolute(path: str) -> str:
    """A page's address as a mail must write it."""
    return f"{settings.PLACET_ADDRESS}{path}"


def send_mail(*, to: str, subject: str, text: str, attachment: Attachment | None = None) -> None:
    """One mail to one person; raises MailFault. Ask outside a transaction: a server may be slow."""
    server = server_of(settings.PLACET_MAIL_URL)
    if server is None:
        raise MailFault("Mail is not set up here (PLACET_MAIL_URL).")
    mail = EmailMessage(
        subject=" ".join(subject.split()),
        body=text,
        from_email=server.sender,
        to=[to],
        connection=server.connection(),
    )
    if attachment is not None:
        mail.attach(_part(attachment))
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused:
        raise MailFault("The mail server refused the recipient's address.") from None
    except smtplib.SMTPAuthenticationError:
        raise MailFault("The mail server refused Placet's name and password.") from None
    except smtplib.SMTPResponseException as error:
        raise MailFault(f"The mail server answered {error.smtp_code}.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailFault(f"The mail server was not reached ({type(error).__name__}).") from None


def _part(attachment: Attachment) -> MIMEBase:
    """Byte for byte, text too: its SHA-256 stands beside it."""
    kind, _, under = attachment.media_type.partition(";")[0].partition("/")
    part = MIMEBase(kind, under)
    part.set_payload(attachment.content)
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=attachment.name)
    return part
