"""What a scheduler has worked out of a table, kept up with it instead of being worked out again."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.table import Trial, TrialTable


class Following:
    """How much of a table has been seen.

    A table that a ledger keeps says which trials have changed. Of any other, and of another
    ledger's, all trials are new, so whoever follows may lose at any moment what it has.
    """

    def __init__(self) -> None:
        self._changes: list[int] | None = None
        self._seen = 0

    def news(self, table: TrialTable) -> tuple[bool, Iterable[Trial]]:
        """Whether to forget all that is known, and the trials that are new or have changed."""
        changes, before, start = table.changes, self._changes, self._seen
        self._changes, self._seen = changes, len(changes or ())
        if changes is None or changes is not before:
            return True, table
        return False, [table.trials[number] for number in dict.fromkeys(changes[start:])]
