"""A mapping from numbers of which a copy costs next to nothing, however much it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from itertools import chain
from typing import TypeVar

Value = TypeVar("Value")

SIZE = 256
"""Numbers in a block. A copy copies the list of blocks; the first change after it, one block."""


class Numbered(Mapping[int, Value]):
    """A mapping from whole numbers, in blocks that copies share until one of them changes.

    Each proposal is made from a copy of the table, in a thread of its own, while trials go on.

    >>> numbers = Numbered()
    >>> numbers.put(1, "one")
    >>> before = numbers.copy()
    >>> numbers.put(1, "first")
    >>> before[1], numbers[1]
    ('one', 'first')
    """

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Value]] = {}
        self._own: set[int] = set()  # the blocks that no copy has

    def put(self, number: int, value: Value) -> None:
        """From now on the value of a number is this one."""
        key = number // SIZE
        if key not in self._own:
            self._blocks[key] = dict(self._blocks.get(key, ()))
            self._own.add(key)
        self._blocks[key][number] = value

    def copy(self) -> Numbered[Value]:
        """As it is now, whatever is put into either of them later."""
        other = Numbered[Value]()
        other._blocks = dict(self._blocks)
        self._own = set()
        return other

    def __getitem__(self, number: int) -> Value:
        return self._blocks[number // SIZE][number]

    def __len__(self) -> int:
        return sum(map(len, list(self._blocks.values())))

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(list(self._blocks.values()))

    def values(self) -> ValuesView[Value]:
        return _Values(self)


class _Values(ValuesView[Value]):
    """Block by block instead of number by number."""

    _mapping: Numbered[Value]

    def __iter__(self) -> Iterator[Value]:
        for block in list(self._mapping._blocks.values()):
            yield from list(block.values())
