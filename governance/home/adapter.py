"""allauth's mails over the operator's server."""

from __future__ import annotations

from typing import Any

import structlog
from django.template.loader import render_to_string

from governance.access.adapter import ClosedDoorAdapter
from governance.home.mailing import MailFault, send_mail

log = structlog.get_logger("placet.access")


class MailingAdapter(ClosedDoorAdapter):
    """Sends by PLACET_MAIL_URL. A mail that fails is logged and not told to who asked for it.

    For the answer would say whether anybody has that address.
    """

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        subject = render_to_string(f"{template_prefix}_subject.txt", context)
        text = render_to_string(f"{template_prefix}_message.txt", context)
        try:
            send_mail(to=email, subject=subject, text=text)
        except MailFault as fault:
            log.warning("mail not sent", why=str(fault))
