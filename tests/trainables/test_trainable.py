"""Where a segment goes on from, and which checkpoints stay: the trainable without its actor."""

import json

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
        "together": 0.0,
        "epoch_seconds": 600.0,
        "memory": None,
        **keys,
    }


def run(folder, epochs, **keys):
    """Some epochs of a trial, saved after the last of them."""
    settings = config(folder, **keys)
    training = begin(settings).run
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
    reports = [report for result in results for report in json.loads(result["reports"])]
    return [report["epoch"] for report, saved, _ in reports if saved]


def test_a_trial_is_saved_at_its_rungs_and_at_its_end(tmp_path):
    assert stepped(tmp_path, 12, rungs=[3.0, 7.5]) == [3, 8, 12]
    assert epochs_of(tmp_path) == [3, 8, 12]


def test_a_report_says_what_took_time_beside_the_training(tmp_path):
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    actor.setup(config(tmp_path, rungs=[2]))
    took = [said for _ in range(3) for *_, said in json.loads(actor.step()["reports"])]
    actor.cleanup()
    assert [sorted(said) for said in took] == [["starting"], ["saving"], []]
    assert min(seconds for said in took for seconds in said.values()) > 0


def test_rungs_in_seconds_are_where_that_time_is_first_used_up(tmp_path):
    saved = stepped(tmp_path, 3, fidelity="seconds", rungs=[1e-9, 1e9])
    assert saved == [1]
    assert stepped(tmp_path / "b", 2, fidelity="seconds", trial_seconds=1e-9) == [1, 2]


def test_the_newest_checkpoints_stay_and_the_newest_at_rungs(tmp_path):
    for epoch, kept in ((3, [2, 3]), (6, [3, 5, 6]), (9, [6, 8, 9]), (11, [6, 9, 10, 11])):
        folder = tmp_path / str(epoch)
        assert stepped(folder, epoch, rungs=[3, 6, 9], save_seconds=0)[-1] == epoch
        assert epochs_of(folder) == kept


ERRORS = (5.0, 1.0, 3.0, 4.0, 2.0, 3.0, 0.5, 1.0)


def up_and_down(point):
    yield from ERRORS


def best_of(folder, epochs, **keys):
    """The epochs that are kept of a run whose error goes up and down."""
    here = {"problem": None, "trainable": f"{__name__}:up_and_down", "asked": []}
    stepped(folder, epochs, save_seconds=0, **here, **keys)
    return epochs_of(folder)


def test_the_best_of_the_saved_epochs_stays_for_as_long_as_none_is_better(tmp_path):
    kept = {2: [1, 2], 5: [2, 4, 5], 6: [2, 5, 6], 7: [6, 7], 8: [7, 8]}
    for epochs, expected in kept.items():
        assert best_of(tmp_path / str(epochs), epochs) == expected


def test_the_best_is_known_to_the_segments_that_follow_even_if_the_newest_is_damaged(tmp_path):
    assert best_of(tmp_path / "sound", 5) == [2, 4, 5]
    assert best_of(tmp_path / "sound", 1, epoch=5) == [2, 5, 6]
    best_of(tmp_path / "damaged", 5)
    damage(tmp_path / "damaged" / checkpoint_name(5))
    assert best_of(tmp_path / "damaged", 2, epoch=5) == [2, 5, 6]


def test_a_copy_goes_on_from_the_state_of_the_other_with_its_own_point(tmp_path):
    source = run(tmp_path / "2", 3)
    run(tmp_path / "1", 3, point={**POINT, "learning_rate": 1e-1})
    settings = config(
        tmp_path / "1",
        point={**POINT, "learning_rate": 3e-3},
        epoch=3,
        copied=(2, str(tmp_path / "2"), 3),
    )
    training = begin(settings).run
    assert_same(training.network.state_dict(), source.network.state_dict())
    assert training.epoch == 3
    assert training.optimizer.param_groups[0]["lr"] == 3e-3
    # it is its own at once: the other may go on and remove it
    (tmp_path / "2" / checkpoint_name(3)).unlink()
    assert_same(begin(settings).run.state_dict(), training.state_dict())


def test_own_checkpoints_of_the_new_life_come_before_the_copy_and_old_ones_do_not(tmp_path):
    run(tmp_path / "2", 3)
    run(tmp_path / "1", 3)
    again = {"epoch": 3, "copied": (2, str(tmp_path / "2"), 3)}
    later = run(tmp_path / "1", 2, **again)
    assert later.epoch == 5
    found = begin(config(tmp_path / "1", **{**again, "epoch": 5})).run
    assert_same(found.state_dict(), later.state_dict())
    # copied once more, at the same epoch from another trial: what it has now is of an old life
    other = run(tmp_path / "7", 5, seed=9)
    copied = (7, str(tmp_path / "7"), 5)
    found = begin(config(tmp_path / "1", epoch=5, copied=copied)).run
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
    training = begin(settings).run
    assert_same(training.network.state_dict(), own.network.state_dict())
    assert training.point["balancer"] == "relobralo"
    assert training.advance().epoch == 4


def test_without_any_state_it_starts_anew_with_the_new_point(tmp_path):
    training = begin(config(tmp_path / "1", epoch=3, copied=(2, str(tmp_path / "2"), 3))).run
    assert training.epoch == 0


def test_a_damaged_checkpoint_has_another_before_it(tmp_path):
    stepped(tmp_path, 4, save_seconds=0)
    damage(tmp_path / checkpoint_name(4))
    begun = begin(config(tmp_path, epoch=4))
    assert begun.run.epoch == 3
    (why,) = begun.unread
    assert why.startswith(f"{tmp_path.name}/epoch-000004.pt: its checksum does not match")


def test_a_damaged_checkpoint_is_put_aside_and_does_not_take_the_place_of_a_sound_one(tmp_path):
    stepped(tmp_path, 4, save_seconds=0)
    damage(tmp_path / checkpoint_name(4))
    settings = config(tmp_path, epoch=4)
    training = begin(settings).run
    assert (tmp_path / f"{checkpoint_name(4)}.damaged").exists()
    training.advance(2)
    keep(training, settings)
    assert epochs_of(tmp_path) == [3, 5]


def test_what_was_saved_after_the_last_report_is_not_gone_on_from_nor_kept(tmp_path):
    stepped(tmp_path, 5, save_seconds=0)
    settings = config(tmp_path, epoch=4)
    begun = begin(settings)
    assert (begun.run.epoch, begun.unread) == (4, ())
    keep(begun.run, settings)
    assert epochs_of(tmp_path) == [4]


def test_short_epochs_are_reported_together_but_none_beyond_a_rung(tmp_path):
    def reports(**keys):
        actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
        actor.setup(config(tmp_path / str(len(keys)), rungs=[4.0, 8.0], **keys))
        found = [json.loads(actor.step()["reports"])]
        while found[-1][-1][0]["epoch"] < 12:
            found.append(json.loads(actor.step()["reports"]))
        actor.cleanup()
        return found

    def told(found):
        return [(r["epoch"], r["error"], saved) for part in found for r, saved, _ in part]

    one_by_one, together = reports(), reports(together=600.0)
    assert [len(part) for part in one_by_one] == [1] * 12
    assert [len(part) for part in together] == [4, 4, 4]
    assert told(together) == told(one_by_one)


def test_the_first_result_of_a_segment_says_from_where_it_went_on_if_not_from_the_last(tmp_path):
    stepped(tmp_path, 2, save_seconds=0)
    actor = MultiLossTrainable.__new__(MultiLossTrainable)  # without Tune's loggers
    for epoch, said in ((2, None), (4, (2, ""))):
        actor.setup(config(tmp_path, epoch=epoch))
        first, second = actor.step(), actor.step()
        found = (first["resumed"], first["unread"]) if "resumed" in first else None
        assert found == said
        assert "resumed" not in second
    actor.cleanup()


def test_missing_replicates_are_trained_up_to_the_checkpoint_and_saved_with_the_others(tmp_path):
    run(tmp_path, 3, replicates=2)
    settings = config(tmp_path, epoch=3, replicates=5)
    grown = begin(settings).run
    assert grown.epoch == 3
    whole = fresh(config(tmp_path / "whole", replicates=5))
    whole.advance(3)
    # in double precision, batched products of 2, 3 and 5 replicates add up in another order
    torch.testing.assert_close(grown.parameters[0], whole.parameters[0], rtol=1e-6, atol=1e-9)
    assert grown.advance().error == pytest.approx(whole.advance().error, rel=1e-6)
    assert len(load(tmp_path / checkpoint_name(3))["lost"]) == 5
    assert len(begin(settings).run.lost) == 5


def test_replicates_grow_from_an_older_checkpoint_if_the_newest_is_damaged(tmp_path):
    stepped(tmp_path, 3, replicates=2, save_seconds=0)
    damage(tmp_path / checkpoint_name(3))
    grown = begin(config(tmp_path, epoch=3, replicates=3)).run
    assert (grown.epoch, len(grown.lost)) == (2, 3)


def test_replicates_without_any_checkpoint_start_together(tmp_path):
    assert len(begin(config(tmp_path, epoch=3, replicates=5)).run.lost) == 5
