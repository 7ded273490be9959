"""Real documents: the licence files of the distributions in this very environment."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

LONGEST = 4000


@dataclass(frozen=True)
class Licence:
    """A distribution's licence text, and the SPDX expression that it declares itself."""

    distribution: str
    expression: str
    text: str


def installed(limit: int) -> list[Licence]:
    """Distributions that declare a `License-Expression` and ship a licence file, by name."""
    found: dict[str, Licence] = {}
    for one in distributions():
        name = one.metadata["Name"]
        expression = str(one.metadata.json.get("license_expression", ""))
        paths = [path for path in one.files or [] if "LICEN" in path.name.upper()]
        if not expression or not paths or name in found:
            continue
        try:
            text = Path(str(paths[0].locate())).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            found[name] = Licence(name, expression, text[:LONGEST])
    return [found[name] for name in sorted(found, key=str.lower)][:limit]
