"""Registries: the kernel keeps them, the areas fill them from their `hooks.py`.

They freeze when all apps are ready; an unknown key raises, an empty registry fails the
system check. The typed registries themselves live in the app that reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from governance.kernel.transitions import TransitionTable

T = TypeVar("T")

_ALL: list[Registry] = []  # type: ignore[type-arg]  # registries of every value type


class Registry(Generic[T]):
    """Named things of one type. Names are unique; after `freeze` nothing can be added."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: dict[str, T] = {}
        self._frozen = False
        _ALL.append(self)

    def add(self, key: str, item: T) -> T:
        if self._frozen:
            raise RuntimeError(f"{self.name}: {key!r} came after start-up; add it in hooks.py.")
        if key in self._items:
            raise RuntimeError(f"{self.name}: {key!r} is there already.")
        self._items[key] = item
        return item

    def __getitem__(self, key: str) -> T:
        try:
            return self._items[key]
        except KeyError:
            known = ", ".join(sorted(self._items)) or "nothing"
            raise LookupError(f"{self.name} knows no {key!r}; it knows {known}.") from None

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> list[tuple[str, T]]:
        return list(self._items.items())

    def values(self) -> list[T]:
        return list(self._items.values())

    def freeze(self) -> None:
        self._frozen = True


transition_tables: Registry[TransitionTable] = Registry("transition tables")


def all_registries() -> list[Registry]:  # type: ignore[type-arg]  # of every value type
    return list(_ALL)
