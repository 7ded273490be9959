"""Transition tables: the states a thing moves through, as data. Pure.

The tables guard the services, generate the help diagrams, and are walked edge by edge
(and non-edge by non-edge) in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from governance.kernel.errors import WrongState


@dataclass(frozen=True)
class Edge:
    """One arrow. `by` says in words who moves it, `when` what must hold."""

    source: str
    action: str
    target: str
    by: str = ""
    when: str = ""


@dataclass(frozen=True)
class TransitionTable:
    """All arrows of one machine. `name` is the entity and field, as in "UseCase.stage"."""

    name: str
    initial: str
    edges: tuple[Edge, ...]
    _targets: dict[tuple[str, str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        targets = {(edge.source, edge.action): edge.target for edge in self.edges}
        if len(targets) != len(self.edges):
            raise ValueError(f"{self.name}: two arrows share a source and an action.")
        object.__setattr__(self, "_targets", targets)

    def target(self, state: str, action: str) -> str:
        """The state that `action` leads to from `state`; raises WrongState if there is none."""
        try:
            return self._targets[(state, action)]
        except KeyError:
            words = action.replace("_", " ")
            offered = ", ".join(sorted(self.actions(state))).replace("_", " ") or "nothing more"
            raise WrongState(
                f"Nothing was changed: “{words}” is not possible while this is "
                f"{state.replace('_', ' ')}. From here: {offered}."
            ) from None

    def allows(self, state: str, action: str) -> bool:
        return (state, action) in self._targets

    def actions(self, state: str) -> Iterator[str]:
        return (edge.action for edge in self.edges if edge.source == state)

    def sources(self, action: str) -> list[str]:
        """The states from which `action` is possible."""
        return [edge.source for edge in self.edges if edge.action == action]

    @property
    def states(self) -> list[str]:
        """Every state, the initial one first, in the order in which the arrows name them."""
        names = [self.initial]
        names += [end for edge in self.edges for end in (edge.source, edge.target)]
        return list(dict.fromkeys(names))

    @property
    def final_states(self) -> list[str]:
        sources = {edge.source for edge in self.edges}
        return [state for state in self.states if state not in sources]
