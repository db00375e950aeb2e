"""A function of the user's own in the place of a problem: replicates, resuming, endings, faults."""

import math
import random

import numpy as np
import pytest
import torch

from tests.trainables.test_training import assert_same, without_time
from trainables.checkpoints import load, save
from trainables.fitting import Fitting, seed_of
from trainables.function import Function, copied, function_for
from trainables.segment import begin, checkpoints, keep
from trainables.trainable import MultiLossTrainable

HERE = "tests.trainables.test_function"
POINT = {"rate": 0.1, "depth": 2}
calls = []  # of the functions below, one for each time that one of them is started


def line(point, seed):
    """Torch's own loop, whose draws are those of the global generators."""
    calls.append(seed)
    weight = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=point["rate"])
    for _ in range(6):
        x = torch.randn(8) + np.random.normal() + random.random()  # noqa: NPY002
        loss = ((weight - 2) * x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield {"error": (weight - 2).abs(), "loss": loss.item()}


def saving(point, seed, checkpoint, every=1):
    """The same, which goes on from where it was."""
    calls.append(seed)
    weight = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=point["rate"])
    start = 0
    if checkpoint is not None:
        start = checkpoint["epoch"]
        weight.data.copy_(checkpoint["weight"])
        optimizer.load_state_dict(checkpoint["optimizer"])
    for epoch in range(start + 1, 7):
        x = torch.randn(8) + np.random.normal() + random.random()  # noqa: NPY002
        loss = ((weight - 2) * x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = {"epoch": epoch, "weight": weight, "optimizer": optimizer.state_dict()}
        said = {"error": (weight - 2).abs(), "loss": loss.item(), "started": start}
        yield {**said, "checkpoint": state} if epoch % every == 0 else said


def seldom(point, seed, checkpoint):
    """Saves after every second epoch."""
    yield from saving(point, seed, checkpoint, every=2)


def returns(point):
    """No epochs, and nothing drawn."""
    return 1.0 / point["depth"]


def early(point, seed):
    """Ends after as many epochs as its last digit says."""
    for epoch in range(seed % 3 + 1):
        yield 1.0 / (epoch + 1)


def needs_everything(point, seed, epochs, checkpoint, device):
    yield {"error": 0.5, "epochs": epochs, "gpu": device == "cuda", "anew": checkpoint is None}


def needs_data(point, data):
    yield 1.0


def needs_no_point(seed):
    yield 1.0


def fitting(function, replicates=3, **keys):
    return Fitting(
        function_for(f"{HERE}:{function.__name__}"), POINT, replicates=replicates, **keys
    )


def config(folder, function, **keys):
    return {
        "trial": 1,
        "segment": 1,
        "point": POINT,
        "epoch": 0,
        "folder": str(folder),
        "copied": None,
        "problem": None,
        "trainable": f"{HERE}:{function.__name__}",
        "asked": [],
        "replicates": 3,
        "seed": 0,
        "epochs": 9,
        "trial_seconds": None,
        "precision": "float32",
        "device": "cpu",
        "threads": 1,
        "fidelity": "epochs",
        "rungs": [],
        "save_seconds": 1e9,
        "together": 0.0,
        "epoch_seconds": 600.0,
        "memory": None,
        **keys,
    }


def without(report, name):
    """What is asked for when a run is resumed differs, as is the time."""
    report = without_time(report)
    return {**report.to_json(), "metrics": {k: v for k, v in report.metrics.items() if k != name}}


def test_an_epoch_is_one_error_of_each_replicate():
    report = fitting(line).advance()
    assert (report.epoch, len(report.error), report.metrics.keys()) == (1, 3, {"loss"})
    assert len(set(report.error)) == 1  # a first step of Adam is as long as its rate
    assert len(set(report.metrics["loss"])) == 3


@pytest.mark.parametrize("function", [line, saving])
def test_a_replicate_is_the_same_alone_or_among_others(function):
    together = fitting(function).advance(5)
    alone = [fitting(function, 1, first=i).advance(5) for i in range(3)]
    assert together.error == tuple(report.error[0] for report in alone)
    assert len(set(together.error)) == 3


def test_the_global_generators_are_as_they_were():
    def stand():
        return random.random(), np.random.random(), torch.rand(()).item()  # noqa: NPY002

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = stand()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    fitting(line).advance(2)
    assert stand() == expected


@pytest.mark.parametrize("function", [line, saving, seldom])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(function, tmp_path):
    whole, before, later = (fitting(function) for _ in range(3))
    before.advance(3)
    save(before.state_dict(), tmp_path / "state.pt")
    before.advance()  # what goes on does not change what was saved
    later.load_state_dict(load(tmp_path / "state.pt"))
    whole.advance(3)
    for _ in range(3):
        assert without(later.advance(), "started") == without(whole.advance(), "started")


@pytest.mark.parametrize(("function", "start"), [(saving, 3), (seldom, 2)])
def test_it_goes_on_from_the_last_checkpoint(function, start, tmp_path):
    before, later = fitting(function), fitting(function)
    before.advance(3)
    save(before.state_dict(), tmp_path / "state.pt")
    later.load_state_dict(load(tmp_path / "state.pt"))
    assert later.advance().metrics["started"] == (start,) * 3


def test_replicates_that_are_run_apart_are_joined():
    whole, joined, first, rest = (
        fitting(saving, 3), fitting(saving, 3), fitting(saving, 2), fitting(saving, 1, first=2)
    )  # fmt: skip
    for part in (whole, first, rest):
        part.advance(2)
    joined.join(first.state_dict(), rest.state_dict())
    assert without(joined.advance(), "started") == without(whole.advance(), "started")


def test_a_state_is_adopted_by_another_point_if_it_has_a_checkpoint():
    source = fitting(saving)
    source.advance(2)
    other = Fitting(function_for(f"{HERE}:saving"), {**POINT, "rate": 0.5}, replicates=3)
    other.adopt(source.state_dict())
    assert other.epoch == 2
    report = other.advance()
    assert report.epoch == 3
    assert report.metrics["started"] == (2,) * 3
    source = fitting(line)
    source.advance(2)
    with pytest.raises(ValueError, match="no checkpoint to go on from"):
        fitting(line).adopt(source.state_dict())


def test_the_state_of_another_point_is_refused():
    other = Fitting(function_for(f"{HERE}:line"), {**POINT, "rate": 0.5}, replicates=3)
    with pytest.raises(ValueError, match="cannot go on as"):
        fitting(line).load_state_dict(other.state_dict())


def test_a_function_gets_what_it_takes_by_name():
    (metrics,) = (fitting(needs_everything, 1, epochs=7, device="cuda").advance().metrics,)
    assert metrics == {"epochs": (7.0,), "gpu": (1.0,), "anew": (1.0,)}


def test_one_that_returns_a_number_has_one_epoch():
    run = fitting(returns)
    assert run.advance().error == (0.5,) * 3
    assert run.advance().epoch == 1  # nothing more to do


def test_a_replicate_that_has_returned_keeps_its_last_error():
    lengths = [seed_of(0, i) % 3 + 1 for i in range(4)]
    assert set(lengths) == {1, 2, 3}
    run = fitting(early, 4)
    report = run.advance(9)
    assert report.epoch == max(lengths)
    assert report.error == tuple(1 / length for length in lengths)


def stepped(folder, function, **keys):
    """What an actor reports until it has ended."""
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    actor.setup(config(folder, function, **keys))
    results = [actor.step()]
    while "ended" not in results[-1]:
        assert "fault" not in results[-1], results[-1]
        results.append(actor.step())
    actor.cleanup()
    return results


def test_a_segment_ends_where_the_function_returns_and_what_it_saved_last_is_kept(tmp_path):
    *before, last = stepped(tmp_path, saving)
    assert [result["epoch"] for result in before] == [1, 2, 3, 4, 5, 6]
    assert last["ended"] == f"{HERE}:saving returned after epoch 6"
    assert (last["epoch"], last["error"]) == (6, before[-1]["error"])
    ((path, epoch),) = checkpoints(tmp_path)
    assert epoch == 6
    assert load(path)["replicates"][0]["checkpoint"]["epoch"] == 6
    # the driver may have died before it heard of the end
    assert [result["epoch"] for result in stepped(tmp_path, saving, epoch=6)] == [6]


def test_a_segment_goes_on_with_more_replicates(tmp_path):
    settings = config(tmp_path, saving, replicates=2)
    first = begin(settings).run
    first.advance(3)
    keep(first, settings)
    grown = begin(config(tmp_path, saving, epoch=3)).run
    assert grown.epoch == 3
    assert grown.advance().error == fitting(saving).advance(4).error


def test_without_checkpoints_a_segment_runs_again_from_the_start(tmp_path):
    settings = config(tmp_path, line)
    first = begin(settings).run
    first.advance(3)
    keep(first, settings)
    calls.clear()
    later = begin(config(tmp_path, line, epoch=3)).run
    assert calls == [seed_of(0, i) for i in range(3)]
    assert later.epoch == 3
    assert without_time(later.advance()) == without_time(first.advance())


def of(*values):
    """A function that says these."""
    return Function("mine:fit", lambda point, seed: iter(values), ("point", "seed"))


@pytest.mark.parametrize("lost", [math.nan, math.inf, torch.tensor(math.nan)])
def test_an_error_that_is_not_finite_loses_the_replicate_for_good(lost):
    def fit(point, seed):
        yield 1.0
        yield lost if seed == seed_of(0, 0) else 0.5
        yield 0.25

    run = Fitting(Function("mine:fit", fit, ("point", "seed")), POINT, replicates=3)
    assert run.advance(2).error == (math.inf, 0.5, 0.5)
    report = run.advance()
    assert (report.error, report.diverged) == ((math.inf, 0.25, 0.25), None)
    report = Fitting(of(lost), POINT, replicates=3).advance()
    assert report.diverged == "epoch 1: the error is not finite in 3 of 3 replicates"


@pytest.mark.parametrize(
    ("values", "fault", "words"),
    [
        ([], ValueError, "mine:fit returned before it had yielded an error"),
        ([None], TypeError, r"mine:fit gave 'None' \(NoneType\) as `error`: expected a number"),
        (["0.5"], TypeError, r"gave '0.5' \(str\)"),
        ([[1.0, 2.0]], TypeError, r"\(list\) as `error`"),
        ([torch.ones(2)], TypeError, r"\(Tensor\) as `error`"),
        ([{"loss": 1.0}], ValueError, "mine:fit yielded loss: expected `error` among them"),
        ([{"error": 1.0, "kind": "good"}], TypeError, r"'good' \(str\) as `kind`"),
        (
            [{"error": 1.0, "checkpoint": {"w": [np.ones(2)]}}],
            TypeError,
            r"`checkpoint.w.0` is of the type ndarray.*torch.as_tensor",
        ),
    ],
)
def test_what_is_no_error_is_a_fault_that_says_what_is(values, fault, words):
    with pytest.raises(fault, match=words):
        Fitting(of(*values), POINT).advance()


def test_metrics_that_the_sweep_asks_for_have_to_be_yielded():
    run = Fitting(of({"error": 1.0, "size": 3}), POINT, asked=["sise"])
    with pytest.raises(
        ValueError, match=r"`sise`, which the sweep asks for\. It yields error, size"
    ):
        run.advance()


def test_a_function_that_does_something_else_when_it_is_run_again_is_a_fault():
    lengths = iter([3, 1])
    fickle = Function("mine:fit", lambda point: iter([1.0] * next(lengths)), ("point",))
    before, later = (Fitting(fickle, POINT) for _ in range(2))
    before.advance(2)
    with pytest.raises(ValueError, match="yielded 2 times before it was interrupted, and 1 times"):
        later.load_state_dict(before.state_dict())


def test_a_checkpoint_comes_back_as_it_was_given(tmp_path):
    given = {
        "text": "a",
        "bytes": b"\x00\xff",
        "numbers": [1, 2.5, True, None, np.float64(0.1)],
        "pair": (torch.arange(3), {"b": torch.ones(2)}),
        3: "a number as key",
    }
    save({"checkpoint": copied(given, "checkpoint")}, tmp_path / "state.pt")
    assert_same(load(tmp_path / "state.pt")["checkpoint"], given)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("fit", "'fit': a function is written my_package.my_module:function"),
        ("nowhere:fit", "No module named 'nowhere'. Is it installed where the trials run?"),
        (f"{HERE}:fut", "has no attribute 'fut'"),
        (f"{HERE}:POINT", "is no function"),
        (
            "trainables.pinn.burgers1d:Burgers1D",
            "is no function. A subclass of Problem goes under",
        ),
        (f"{HERE}:needs_data", "wants `data`, which nothing gives it.*give `data` a default"),
        (f"{HERE}:needs_no_point", "does not take `point`, so there is nothing to tune"),
    ],
)
def test_a_path_that_leads_to_no_function_is_refused(path, words):
    with pytest.raises(ValueError, match=words):
        function_for(path)
