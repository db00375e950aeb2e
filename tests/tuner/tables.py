"""Tables made by hand, as tests want them. Real tables: the events go through the real ledger."""

from tuner.ledger import replay


def report(epoch, *errors, **more):
    """A report's plain data, with these errors of its replicates."""
    return {"epoch": epoch, "steps": epoch, "seconds": float(epoch), "error": list(errors), **more}


def trial(number, point, errors=(), ended=None, reason="", origin="random", live=True):
    """The events of a trial that reported `errors` (one or a tuple of them) after each epoch."""
    events = [{"event": "proposed", "trial": number, "point": point, "origin": origin}]
    if live or errors:
        events.append({"event": "started", "trial": number, "segment": 1, "epoch": 0})
    for epoch, error in enumerate(errors, start=1):
        row = error if isinstance(error, tuple) else (error,)
        events.append(
            {"event": "reported", "trial": number, "segment": 1, "report": report(epoch, *row)}
        )
    if ended:
        events.append({"event": "ended", "trial": number, "status": ended, "reason": reason})
    return events


def table(*trials, **specification):
    """The table after the events of these trials, in a sweep of this specification."""
    opening = [{"event": "sweep", "specification": specification}] if specification else []
    return replay([*opening, *(event for events in trials for event in events)])
