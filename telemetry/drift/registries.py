"""What the apps above know of answers, that monitors compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from governance.kernel.registries import Registry
from telemetry.drift.detectors import Tally
from telemetry.drift.rules import Span

# Name → of a use case's answers that people decided on in the span, how many they corrected.
corrected_answers: Registry[Callable[[int, Span], Tally]] = Registry("corrected answers")

# Name → whole percent of an answer that was changed → corrections of that size, in the span.
edit_distances: Registry[Callable[[int, Span], Mapping[int, int]]] = Registry("edit distances")
