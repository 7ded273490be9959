"""Answers of the demo's licence reader: what it said of which licence, and what was right. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

COMPLAINTS = (
    "It is copyleft; the text says so in its second paragraph.",
    "The obligation to keep the notice is missing.",
    "This is the two-clause licence, not the three-clause one.",
    "No such obligation stands in the text.",
)
PRAISE = ("Right, and short.", "Saved me an hour.", "As our lawyer reads it.")
_LICENCES = (
    (
        "MIT",
        False,
        ("Keep the copyright notice and this permission notice",),
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this "
        "software, to deal in the Software without restriction.",
    ),
    (
        "BSD-2-Clause",
        False,
        ("Keep the copyright notice in source and binary form",),
        "Redistribution and use in source and binary forms, with or without modification, are "
        "permitted provided that the two following conditions are met.",
    ),
    (
        "GPL-3.0-only",
        True,
        ("Give the source code with every copy", "Keep the same licence"),
        "You may convey verbatim copies of the Program's source code, provided that you give all "
        "recipients a copy of this License along with the Program.",
    ),
    (
        "ISC",
        False,
        ("Keep the copyright notice and this permission notice",),
        "Permission to use, copy, modify, and/or distribute this software for any purpose with or "
        "without fee is hereby granted, provided that the notice appears in all copies.",
    ),
    (
        "MPL-2.0",
        True,
        ("Give the source code of changed files under the same licence",),
        "All distribution of Covered Software in Source Code Form, including any Modifications, "
        "must be under the terms of this License.",
    ),
)


@dataclass(frozen=True)
class Answer:
    """A licence text, what the model made of it, and what is right."""

    name: str
    licence_text: str
    said: str
    right: str

    @property
    def is_right(self) -> bool:
        return self.said == self.right


def answers(count: int) -> list[Answer]:
    """So many, each of a distribution of its own; two of five are wrong, in three ways."""
    return [_answer(number) for number in range(count)]


def _answer(number: int) -> Answer:
    spdx, copyleft, duties, text = _LICENCES[number % len(_LICENCES)]
    name = f"package-{number + 1:02}"
    right = _written(spdx, copyleft, list(duties))
    said = {
        1: _written(spdx, not copyleft, list(duties)),
        3: _written(spdx, copyleft, [*duties, "Ask the author before any use"]),
        8: _written("BSD-3-Clause", copyleft, list(duties)),
    }.get(number % 10, right)
    return Answer(name, f"{name}\n\n{text}", said, right)


def _written(spdx: str, copyleft: bool, obligations: list[str]) -> str:
    return json.dumps({"spdx": spdx, "copyleft": copyleft, "obligations": obligations})
