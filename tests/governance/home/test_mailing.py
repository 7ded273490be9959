"""What the address of a mail server says, and that nothing is sent without one."""

from __future__ import annotations

from typing import Any

import pytest

from governance.home.mailing import MailFault, Server, absolute, is_configured, send_mail, server_of
from tests.factories.mail import post_office


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 25, "", "", "placet@mail.example", False)),
        (
            "smtps://us%40er:p%2Fw@mail.example?from=books@a.example",
            Server("mail.example", 465, "us@er", "p/w", "books@a.example", True),
        ),
    ],
)
def test_an_address_is_read(url: str, server: Server) -> None:
    assert server_of(url) == server


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://a:x"]
)
def test_what_is_no_address_is_no_server(url: str, settings: Any) -> None:
    settings.PLACET_MAIL_URL = url
    assert not is_configured()
    with pytest.raises(MailFault, match="not set up"):
        send_mail(to="a@a.example", subject="x", text="y")


@pytest.mark.parametrize(
    ("url", "tls", "starts"),
    [
        ("smtp://h", False, False),
        ("smtp://h:587", False, True),
        ("smtp://u:p@h:25", False, True),
        ("smtps://u:p@h", True, False),
    ],
)
def test_a_password_never_goes_in_the_clear(url: str, tls: bool, starts: bool) -> None:
    server = server_of(url)
    assert server is not None
    connection = server.connection()
    assert (connection.use_ssl, connection.use_tls) == (tls, starts)


def test_a_fault_names_neither_address_nor_password(settings: Any) -> None:
    with post_office("550 no such user a@a.example") as office:
        settings.PLACET_MAIL_URL = office.url
        with pytest.raises(MailFault) as refused:
            send_mail(to="a@a.example", subject="two\nlines", text="y")
    assert "a@a.example" not in str(refused.value)


def test_links_begin_with_where_people_reach_placet(settings: Any) -> None:
    settings.PLACET_ADDRESS = "https://placet.example"
    assert absolute("/deliveries/") == "https://placet.example/deliveries/"
