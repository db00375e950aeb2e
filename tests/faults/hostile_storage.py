"""Hostile files in the folder of a sweep: journals, checkpoints, and what tracking remembers."""

import hashlib
import io
import json
import pickle
import zipfile
import zlib

import torch

from tests.tuner.journals import trial
from trainables.checkpoints import MAGIC
from tuner import Sweep

NAME = "planted"


def sweep_in(storage):
    """The request of every planted sweep; the folder of the storage need not be there."""
    space = {"use": [], "set": {"width": {"choice": [3, 4]}, "depth": 1}}
    return Sweep(
        name=NAME,
        problem="burgers1d",
        space=space,
        budget={"trials": 3, "epochs": 4},
        searcher="random",
        replicates=2,
        storage=str(storage),
    )


def sound_events(sweep):
    """Two trials of which the first has won; with checksums, a journal that everybody reads."""
    specification = json.loads(json.dumps(sweep.specification))
    events = [
        {"event": "sweep", "id": "abc", "name": NAME, "problem": "burgers1d", "versions": {},
         "specification": specification, "yaml": sweep.to_yaml()},
        {"event": "opened", "pid": 1, "host": "elsewhere", "trials": 3},
        *trial(1, 4, width=3, depth=1),
        *trial(2, 2, end="stopped", width=4, depth=1),
        {"event": "closed", "status": "interrupted", "reason": "by Ctrl-C"},
    ]  # fmt: skip
    return [{"n": n, "time": 1e9 + n, "clock": 1.0 * n, **e} for n, e in enumerate(events, 1)]


def line_of(text):
    """A line with the right checksum, whatever it says."""
    return b"%08x %s\n" % (zlib.crc32(text), text)


def journal_of(events):
    return b"".join(line_of(json.dumps(event).encode()) for event in events)


def _changed(kind, **fields):
    """A journal in which the first event of a kind says something else."""

    def content(events):
        k = next(k for k, event in enumerate(events) if event["event"] == kind)
        return journal_of([*events[:k], {**events[k], **fields}, *events[k + 1 :]])

    return content


def _report(**fields):
    """A journal in which the first report says something else."""

    def content(events):
        said = next(event for event in events if event["event"] == "reported")["report"]
        return _changed("reported", report={**said, **fields})(events)

    return content


def _without(kind, field):
    def content(events):
        k = next(k for k, event in enumerate(events) if event["event"] == kind)
        less = {name: value for name, value in events[k].items() if name != field}
        return journal_of([*events[:k], less, *events[k + 1 :]])

    return content


def _line(text, number=5):
    """A journal with another line in the place of one."""

    def content(events):
        lines = [line_of(json.dumps(event).encode()) for event in events]
        return b"".join([*lines[: number - 1], text, *lines[number:]])

    return content


class Runs:
    """What a pickle of it does when it is loaded: a file `ran` in the working directory."""

    def __reduce__(self):
        return exec, ("open('../outside/ran', 'w').close()",)


RUNS = pickle.dumps(Runs(), protocol=0)

DAMAGED = "line 5 of 15 is damaged"
JOURNALS = {  # name -> its content from sound events, what is said of it
    "a pickle as a line": (_line(RUNS.replace(b"\n", b" ") + b"\n"), DAMAGED),
    "a pickle with a checksum": (_line(line_of(RUNS.replace(b"\n", b" "))), DAMAGED),
    "a wrong checksum": (_line(b'00000000 {"n":5,"event":"started"}\n'), DAMAGED),
    "no checksum": (_line(b'{"n":5,"event":"started"}\n'), DAMAGED),
    "a list": (_line(line_of(b"[5]")), DAMAGED),
    "a number": (_line(line_of(b"5")), DAMAGED),
    "nothing": (_line(line_of(b"null")), DAMAGED),
    "an empty line": (_line(line_of(b"")), DAMAGED),
    "no JSON": (_line(line_of(b"{'n': 5}")), DAMAGED),
    "NaN": (_line(line_of(b'{"n": 5, "event": "started", "trial": NaN}')), DAMAGED),
    "infinity": (_line(line_of(b'{"n": 5, "event": "started", "trial": Infinity}')), DAMAGED),
    "a million lists": (_line(line_of(b"[" * 10**6 + b"]" * 10**6)), DAMAGED),
    "a million mappings": (_line(line_of(b'{"a":' * 10**6 + b"1" + b"}" * 10**6)), DAMAGED),
    "5,000 digits": (_line(line_of(b'{"n": 5, "trial": ' + b"9" * 5000 + b"}")), DAMAGED),
    "not UTF-8": (_line(line_of(b'{"n": 5, "event": "\xff"}')), DAMAGED),
    "100 MB in a line": (_line(b"00000000 " + b"x" * 10**8 + b"\n"), DAMAGED),
    "a number too few": (_without("started", "n"), "line 4 of 15 is damaged"),
    "a number that is wrong": (_changed("started", n=7), "line 4 of 15 is damaged"),
    "a number that is negative": (_changed("started", n=-1), "line 4 of 15 is damaged"),
    "a number that is text": (_changed("started", n="4"), "line 4 of 15 is damaged"),
    "a number that is true": (_changed("sweep", n=True), "line 1 of 15 is damaged"),
    "an unknown event": (_changed("started", event="executed"), "no such event 'executed'"),
    "an event without a name": (_without("started", "event"), "it is no event"),
    "an event that is a list": (_changed("started", event=["started"]), "it is no event"),
    "trial 10**12": (_changed("proposed", trial=10**12), "`trial` cannot be 1000000000000"),
    "trial -1": (_changed("proposed", trial=-1), "`trial` cannot be -1"),
    "trial 0": (_changed("proposed", trial=0), "`trial` cannot be 0"),
    "trial as text": (_changed("started", trial="../../1"), "`trial` cannot be '../../1'"),
    "trial as a list": (_changed("started", trial=[1]), "`trial` cannot be this list"),
    "a trial that was not proposed": (_changed("started", trial=99), "trial 99 was never proposed"),
    "a trial proposed twice": (_changed("opened", event="proposed", trial=1, point={}, origin="x"),
                               "trial 1 was proposed before"),
    "no point": (_without("proposed", "point"), "it has no `point`"),
    "a point that is a list": (_changed("proposed", point=[1]), "`point` cannot be this list"),
    "a point of 10**400": (_changed("proposed", point={"width": 10**400}), "`point` cannot be"),
    "a point of 1e999": (
        lambda events: journal_of(events).replace(b'"width": 3', b'"width": 1e999'),
        "line 3 of 15 is damaged",
    ),
    "no report": (_without("reported", "report"), "it has no `report`"),
    "a report that is text": (_changed("reported", report="0.1"), "`report` cannot be '0.1'"),
    "a report without errors": (_report(error=[]), "`report` cannot be"),
    "a report with an error of text": (_report(error=["0.1"] * 3), "TypeError"),
    "a report with an error of 10**400": (_report(error=[10**400] * 3), "OverflowError"),
    "a report of 10**5 replicates": (_report(error=[0.1] * 10**5), "`report` cannot be"),
    "a report of epoch 10**30": (_report(epoch=10**30), "`report` cannot be"),
    "a report of epoch 1.5": (_report(epoch=1.5), "`report` cannot be"),
    "a report of epoch true": (_report(epoch=True), "`report` cannot be"),
    "a report of negative seconds": (_report(seconds=-1), "`report` cannot be"),
    "a report with losses as a list": (_report(losses=[1]), "`report` cannot be"),
    "a report with too few losses": (_report(losses={"pde": [1.0]}), "`report` cannot be"),
    "a report with losses of lists": (_report(losses={"pde": [[1]] * 3}), "TypeError"),
    "an unknown status": (_changed("ended", status="won"), "'won' is not a valid Status"),
    "a status that is a list": (_changed("ended", status=[]), "`status` cannot be this list"),
    "a reason that is a mapping": (_changed("ended", reason={}), "`reason` cannot be this dict"),
    "a specification that is text": (_changed("sweep", specification="x"), "`specification`"),
    "objectives that are a number": (
        _changed("sweep", specification={"objectives": 5}), "`specification` cannot be"
    ),
    "requirements that are a list": (
        _changed("sweep", specification={"require": [1]}), "`specification` cannot be"
    ),
    "a clock that is text": (_changed("opened", clock="now"), "`clock` cannot be 'now'"),
    "a time of 1e300": (_changed("opened", time=1e300), "`time` cannot be 1e+300"),
    "a process of 10**30": (_changed("opened", pid=10**30), "`pid` cannot be"),
    "more trials than anybody runs": (_changed("opened", trials=10**30), "`trials` cannot be"),
    "a prior that is a mapping": (
        _changed("opened", event="prior", trials={"a": 1}), "`trials` cannot be this dict"
    ),
    "a prior of rubbish": (_changed("opened", event="prior", trials=[{"point": 1}]), "`trials`"),
    "a copy of a trial -1": (
        _changed("started", event="changed", point={}, source=-1, epoch=1), "`source` cannot be -1"
    ),
}  # fmt: skip

READ = {  # journals that are odd and harmless: they are read, and shown as they are
    "a point with unknown parameters": _changed(
        "proposed", point={"width": 3, "../x": "$(touch ran)", "a\x1b[2Jb": "<script>alert(1)"}
    ),
    "a reason with escapes": _changed("closed", reason="\x1b[2J\x1b]0;owned\x07<script>alert(1)"),
    "a reason of a megabyte": _changed("ended", reason="x" * 10**6),
    "a name with a path": _changed("sweep", name="../../outside/ran"),
    "empty": lambda events: b"",
    "a torn end": lambda events: journal_of(events)[:-5],
    "a last line that is none": lambda events: journal_of(events) + b"rubbish\n",
    "fields that nobody reads": _changed("opened", eval="__import__('os').system('touch ran')"),
}


def checkpoint_of(payload):
    """A file with the right header and checksum, whatever it holds."""
    return MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def saved(state):
    payload = io.BytesIO()
    torch.save(state, payload)
    return payload.getvalue()


def _archive(files, method=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def _packed(state):
    """What torch saves of a state, packed, with a gigabyte of zeros beside it."""
    with zipfile.ZipFile(io.BytesIO(saved(state))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    folder = next(iter(files)).split("/")[0]
    return _archive({**files, f"{folder}/data/999": bytes(2**26)}, zipfile.ZIP_DEFLATED)


def _less(state, key):
    return {name: value for name, value in state.items() if name != key}


NOT_WRITTEN, DIFFERS = "not a checkpoint of this program", "was not written by this program"
CHECKPOINTS = {  # name -> its content from a sound state, what is said of it
    "a pickle": (lambda state: RUNS, NOT_WRITTEN),
    "a pickle with header and checksum": (lambda state: checkpoint_of(RUNS), DIFFERS),
    "a pickle of protocol 4": (
        lambda state: checkpoint_of(pickle.dumps(Runs(), protocol=4)), DIFFERS
    ),
    "a pickle inside of torch's archive": (
        lambda state: checkpoint_of(saved({**state, "evil": Runs()})), DIFFERS
    ),
    "a pickle in an archive": (
        lambda state: checkpoint_of(_archive({"a/data.pkl": RUNS, "a/version": b"3"})), DIFFERS
    ),
    "a zip": (lambda state: _archive({"../../outside/ran": b"x"}), NOT_WRITTEN),
    "a zip with header and checksum": (
        lambda state: checkpoint_of(_archive({"../../outside/ran": b"x"})), DIFFERS
    ),
    "a packed archive": (lambda state: checkpoint_of(_packed(state)), DIFFERS),
    "torch's own file": (saved, NOT_WRITTEN),
    "cut short": (lambda state: checkpoint_of(saved(state))[:-100], "checksum does not match"),
    "a flipped bit": (
        lambda state: checkpoint_of(saved(state))[:-1] + b"!", "checksum does not match"
    ),
    "cut short, with its checksum": (lambda state: checkpoint_of(saved(state)[:-100]), DIFFERS),
    "empty": (lambda state: b"", NOT_WRITTEN),
    "a header alone": (lambda state: MAGIC, NOT_WRITTEN),
    "an empty payload": (lambda state: checkpoint_of(b""), NOT_WRITTEN),
    "a payload of zeros": (lambda state: checkpoint_of(bytes(10**6)), DIFFERS),
    "a list": (lambda state: checkpoint_of(saved([1, 2])), "holds a list"),
    "a tensor": (lambda state: checkpoint_of(saved(torch.ones(3))), "holds a Tensor"),
    "an empty state": (lambda state: checkpoint_of(saved({})), "holds no `identity`"),
    "no life": (lambda state: checkpoint_of(saved(_less(state, "life"))), "holds no `life`"),
    "no replicates": (
        lambda state: checkpoint_of(saved({**state, "lost": torch.zeros(0, 3)})), "0 replicates"
    ),
    "10**12 replicates": (
        lambda state: checkpoint_of(
            saved({**state, "lost": torch.zeros(1, 1).expand(10**12, 1)})
        ),
        "1000000000000 replicates",
    ),
    "replicates that are a number": (
        lambda state: checkpoint_of(saved({**state, "lost": torch.tensor(3)})), "0 replicates"
    ),
}  # fmt: skip

MISFITS = {  # states of a run, but not of this one
    "a state of another problem": lambda state: {**state, "identity": "another"},
    "no network": lambda state: _less(state, "network"),
    "a network of other shapes": lambda state: {
        **state, "network": {name: torch.ones(7) for name in state["network"]}
    },
    "a network of other names": lambda state: {**state, "network": {"x": torch.ones(1)}},
    "a network that is text": lambda state: {**state, "network": "x"},
    "streams that are missing": lambda state: {**state, "streams": {}},
    "an optimiser that is a list": lambda state: {**state, "optimizer": [1]},
}  # fmt: skip

TRACKING = {
    "a list": b"[]",
    "text": b'"tracking"',
    "no JSON": b"{",
    "empty": b"",
    "binary": bytes(range(256)),
    "a pickle": RUNS,
    "a million lists": b"[" * 10**6,
    "2 MB": b'{"after": 3}' + b" " * 2 * 10**6,
    "an address that is a number": b'{"uri": 5, "after": 3, "run": "a", "experiment": "1"}',
    "a count that is text": b'{"uri": "%s", "after": "3"}',
    "a count that is true": b'{"uri": "%s", "after": true}',
    "a count of 10**12": b'{"uri": "%s", "after": 1000000000000}',
    "a count below 0": b'{"uri": "%s", "after": -5}',
    "a count that is null": b'{"uri": "%s", "after": null}',
    "a run without an address": b'{"run": "abc", "after": 3}',
    "a run that is a list": b'{"uri": "http://127.0.0.1:1", "run": [], "experiment": {"a": 1}}',
}
