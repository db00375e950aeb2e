"""Whether the problem measures what a sweep minimises and requires."""

from __future__ import annotations

from search_spaces import Space
from search_spaces.names import did_you_mean
from trainables.function import Function
from trainables.problems import metric_names
from tuner.errors import Fault
from tuner.subjects import Subject
from tuner.sweep import Sweep

ALWAYS = ("error", "seconds", "parameters")


def unmeasured(sweep: Sweep, space: Space, subject: Subject) -> list[Fault]:
    """The names that no report would have.

    Metrics are a method's, so the network of the default point is built and asked, if need be. A
    function tells only when it runs: there, a first report without them is a fault.
    """
    if isinstance(subject, Function):
        return []
    asked = {f"objectives.{k}": name for k, name in enumerate(sweep.objectives)}
    asked |= {f"require.{name}": name for name in sweep.require}
    if set(asked.values()) <= set(ALWAYS):
        return []
    point = space.default(subject.default_point)
    known = tuple(dict.fromkeys((*ALWAYS, *metric_names(str(sweep.problem), point))))
    return [
        Fault(
            path,
            f"{sweep.problem} does not report `{name}`.{did_you_mean(name, known)} "
            f"It has {', '.join(known)}.",
        )
        for path, name in asked.items()
        if name not in known
    ]
