"""The cookies of one of the demo organisation's people: `signed_in.py ADDRESS DEMO.JSON ROLE`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx


def cookies(address: str, demo: Path, role: str) -> str:
    user = json.loads(demo.read_text())["users"][role]
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as browser:
        page = browser.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if token is None:
            raise SystemExit("The sign-in page has no form.")
        fields = {"login": user["email"], "password": user["password"]}
        sent = fields | {"csrfmiddlewaretoken": token[1]}
        browser.post(page.url, data=sent, headers={"referer": str(page.url)}).raise_for_status()
        return "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)


if __name__ == "__main__":
    print(cookies(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
