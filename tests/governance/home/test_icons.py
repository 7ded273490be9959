"""Icons are written once a process, and look as the library writes them."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from lucide.templatetags.lucide import lucide

from governance.home.templatetags import placet


@pytest.mark.parametrize(("name", "size"), [("stamp", 20), ("circle-check", 16), ("inbox", 13)])
def test_an_icon_is_the_librarys(name: str, size: int) -> None:
    placet._icon.cache_clear()
    written = Template('{% icon name size=size aria_hidden="true" %}')
    shown = [written.render(Context({"name": name, "size": size})) for _ in range(2)]
    assert shown == [lucide(name, size=size, aria_hidden="true")] * 2
    assert placet._icon.cache_info().misses == 1
