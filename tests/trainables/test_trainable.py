"""Where a segment goes on from, and which checkpoints stay: the trainable without its actor."""

import pytest
import torch

from tests.trainables.test_training import assert_same
from trainables.checkpoints import load
from trainables.segment import begin, checkpoint_name, checkpoints, fresh, keep
from trainables.trainable import MultiLossTrainable

POINT = {
    "width": 4,
    "depth": 1,
    "learning_rate": 1e-2,
    "problem.steps_per_epoch": 2,
    "problem.interior_points": 8,
}


def config(folder, **keys):
    return {
        "trial": 1,
        "segment": 1,
        "point": POINT,
        "epoch": 0,
        "folder": str(folder),
        "copied": None,
        "problem": "burgers1d",
        "replicates": 3,
        "seed": 0,
        "epochs": 12,
        "trial_seconds": None,
        "precision": "float64",
        "device": "cpu",
        "threads": 1,
        "fidelity": "epochs",
        "rungs": [],
        "save_seconds": 1e9,
        "epoch_seconds": 600.0,
        "memory": None,
        **keys,
    }


def run(folder, epochs, **keys):
    """Some epochs of a trial, saved after the last of them."""
    settings = config(folder, **keys)
    training = begin(settings)
    training.advance(epochs)
    keep(training, settings)
    return training


def epochs_of(folder):
    return [epoch for _, epoch in checkpoints(folder)]


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])


def stepped(folder, epochs, **keys):
    """What an actor does: the epochs after which it saved."""
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    actor.setup(config(folder, **keys))
    results = [actor.step() for _ in range(epochs)]
    actor.cleanup()
    assert not any("fault" in result for result in results), results
    return [epoch for epoch, result in enumerate(results, start=1) if result["checkpoint"]]


def test_a_trial_is_saved_at_its_rungs_and_at_its_end(tmp_path):
    assert stepped(tmp_path, 12, rungs=[3.0, 7.5]) == [3, 8, 12]
    assert epochs_of(tmp_path) == [3, 8, 12]


def test_rungs_in_seconds_are_where_that_time_is_first_used_up(tmp_path):
    saved = stepped(tmp_path, 3, fidelity="seconds", rungs=[1e-9, 1e9])
    assert saved == [1]
    assert stepped(tmp_path / "b", 2, fidelity="seconds", trial_seconds=1e-9) == [1, 2]


def test_the_newest_checkpoints_stay_and_the_newest_at_rungs(tmp_path):
    for epoch, kept in ((3, [2, 3]), (6, [3, 5, 6]), (9, [6, 8, 9]), (11, [6, 9, 10, 11])):
        folder = tmp_path / str(epoch)
        assert stepped(folder, epoch, rungs=[3, 6, 9], save_seconds=0)[-1] == epoch
        assert epochs_of(folder) == kept


def test_a_copy_goes_on_from_the_state_of_the_other_with_its_own_point(tmp_path):
    source = run(tmp_path / "2", 3)
    run(tmp_path / "1", 3, point={**POINT, "learning_rate": 1e-1})
    settings = config(
        tmp_path / "1",
        point={**POINT, "learning_rate": 3e-3},
        epoch=3,
        copied=(2, str(tmp_path / "2"), 3),
    )
    training = begin(settings)
    assert_same(training.network.state_dict(), source.network.state_dict())
    assert training.epoch == 3
    assert training.optimizer.param_groups[0]["lr"] == 3e-3
    # it is its own at once: the other may go on and remove it
    (tmp_path / "2" / checkpoint_name(3)).unlink()
    assert_same(begin(settings).state_dict(), training.state_dict())


def test_own_checkpoints_of_the_new_life_come_before_the_copy_and_old_ones_do_not(tmp_path):
    run(tmp_path / "2", 3)
    run(tmp_path / "1", 3)
    again = {"epoch": 3, "copied": (2, str(tmp_path / "2"), 3)}
    later = run(tmp_path / "1", 2, **again)
    assert later.epoch == 5
    found = begin(config(tmp_path / "1", **{**again, "epoch": 5}))
    assert_same(found.state_dict(), later.state_dict())
    # copied once more, at the same epoch from another trial: what it has now is of an old life
    other = run(tmp_path / "7", 5, seed=9)
    copied = (7, str(tmp_path / "7"), 5)
    found = begin(config(tmp_path / "1", epoch=5, copied=copied))
    assert_same(found.network.state_dict(), other.network.state_dict())


@pytest.mark.parametrize("how", ["missing", "damaged", "another shape"])
def test_without_the_state_of_the_other_it_goes_on_from_its_own_with_the_new_point(tmp_path, how):
    run(tmp_path / "2", 3, point={**POINT, "width": 5 if how == "another shape" else 4})
    path = tmp_path / "2" / checkpoint_name(3)
    if how == "missing":
        path.unlink()
    elif how == "damaged":
        damage(path)
    own = run(tmp_path / "1", 3)
    point = {**POINT, "learning_rate": 1e-1, "balancer": "relobralo"}
    settings = config(tmp_path / "1", point=point, epoch=3, copied=(2, str(tmp_path / "2"), 3))
    training = begin(settings)
    assert_same(training.network.state_dict(), own.network.state_dict())
    assert training.point["balancer"] == "relobralo"
    assert training.advance().epoch == 4


def test_without_any_state_it_starts_anew_with_the_new_point(tmp_path):
    training = begin(config(tmp_path / "1", epoch=3, copied=(2, str(tmp_path / "2"), 3)))
    assert training.epoch == 0


def test_a_damaged_checkpoint_has_another_before_it(tmp_path):
    stepped(tmp_path, 4, save_seconds=0)
    damage(tmp_path / checkpoint_name(4))
    assert begin(config(tmp_path, epoch=4)).epoch == 3


def test_missing_replicates_are_trained_up_to_the_checkpoint_and_saved_with_the_others(tmp_path):
    run(tmp_path, 3, replicates=2)
    settings = config(tmp_path, epoch=3, replicates=5)
    grown = begin(settings)
    assert grown.epoch == 3
    whole = fresh(config(tmp_path / "whole", replicates=5))
    whole.advance(3)
    # in double precision, batched products of 2, 3 and 5 replicates add up in another order
    torch.testing.assert_close(grown.parameters[0], whole.parameters[0], rtol=1e-6, atol=1e-9)
    assert grown.advance().error == pytest.approx(whole.advance().error, rel=1e-6)
    assert len(load(tmp_path / checkpoint_name(3))["lost"]) == 5
    assert len(begin(settings).lost) == 5


def test_replicates_grow_from_an_older_checkpoint_if_the_newest_is_damaged(tmp_path):
    stepped(tmp_path, 3, replicates=2, save_seconds=0)
    damage(tmp_path / checkpoint_name(3))
    grown = begin(config(tmp_path, epoch=3, replicates=3))
    assert (grown.epoch, len(grown.lost)) == (2, 3)


def test_replicates_without_any_checkpoint_start_together(tmp_path):
    assert len(begin(config(tmp_path, epoch=3, replicates=5)).lost) == 5
