"""What can be pointed out in a held answer; the gateway, which screens answers, fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from governance.kernel.registries import Registry
from reviews.decisions.marking import Mark

answer_marks: Registry[Callable[[str], Iterable[Mark]]] = Registry("marks in held answers")
