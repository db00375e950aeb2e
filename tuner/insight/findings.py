"""All that a sweep tells, worked out once and when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tuner.insight.advice import Advice, advice
from tuner.insight.importances import Importances, importances_of
from tuner.insight.rungs import Rungs, rungs
from tuner.insight.strategies import BALANCER, Contest, contest
from tuner.insight.time_spent import TimeSpent, time_spent
from tuner.table import TrialTable

if TYPE_CHECKING:
    from tuner.insight.study import Seen


class Findings:
    """Of one table."""

    def __init__(self, table: TrialTable) -> None:
        self.table = table

    @cached_property
    def strategies(self) -> Contest:
        """The balancers side by side."""
        return contest(self.table, BALANCER)

    @cached_property
    def seen(self) -> Seen:
        """The trials as Optuna's study."""
        from tuner.insight.study import study_of

        return study_of(self.table)

    @cached_property
    def importances(self) -> Importances:
        """Which parameter matters, for the objective and for each loss."""
        return importances_of(self.seen)

    @property
    def ranked(self) -> list[str]:
        """The parameters, the most important first, or as they come if nothing is known of that."""
        return list(self.importances.objective) or list(self.seen.parameters)

    @cached_property
    def rungs(self) -> Rungs:
        """Who was stopped when."""
        return rungs(self.table)

    @cached_property
    def time(self) -> TimeSpent:
        """Where the time went."""
        return time_spent(self.table)

    @cached_property
    def advice(self) -> list[Advice]:
        """What to try next."""
        from tuner.insight.study import space_in

        return advice(
            self.table,
            space_in(self.table),
            matters=self.importances,
            stops=self.rungs,
            strategies=self.strategies,
            time=self.time,
        )
