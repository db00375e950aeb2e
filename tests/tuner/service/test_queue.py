"""Who begins when, on the head of a cluster."""

import math
import os
import subprocess
import sys

import pytest

from tuner.on_head.queue import Queue, Ticket, fits, hindrance, too_large

NODES = [{"memory": 1.0}, {"CPU": 2.0}, {"CPU": 2.0, "GPU": 1.0}]


def waiting(name, **wishes):
    return Ticket(name, **wishes)


def running(name, **wishes):
    return Ticket(name, begun=True, **wishes)


def test_the_first_begins_and_the_next_waits_while_it_can_use_everything():
    assert hindrance(waiting("a"), [], NODES, 4) == ""
    assert hindrance(waiting("b"), [running("a")], NODES, 4) == "all 4 CPUs are taken by a"


@pytest.mark.parametrize(("most", "begins"), [(1, True), (3, True), (4, False)])
def test_a_sweep_begins_when_those_before_it_leave_room_for_a_trial(most, begins):
    assert (hindrance(waiting("b"), [running("a", most=most)], NODES, 4) == "") == begins


def test_what_is_left_has_to_hold_a_whole_trial():
    before = [running("a", most=3)]
    assert "all 4 CPUs" in hindrance(waiting("b", cpu=2.0), before, NODES, 4)
    assert hindrance(waiting("b", cpu=0.5), before, NODES, 4) == ""


def test_who_came_first_begins_first_even_if_it_asks_for_more():
    before = [running("a", most=3), waiting("b", cpu=2.0)]
    assert hindrance(waiting("c"), before, NODES, 4) == "1 before it: b"


def test_a_wish_that_no_node_fulfils_holds_up_nobody_else():
    large = waiting("large", cpu=8.0)
    assert hindrance(waiting("b"), [large], NODES, 4) == ""
    assert hindrance(large, [], NODES, 4) == (
        "a trial asks for 8 CPUs, and the largest node has 2"
    )


def test_a_trial_has_to_fit_on_one_node():
    both = waiting("both", cpu=4.0)
    assert not fits(both, NODES)
    split = Ticket("split", cpu=2.0, gpu=1.0)
    assert not fits(split, [{"CPU": 2.0}, {"GPU": 1.0}])
    assert too_large(split, [{"CPU": 2.0}, {"GPU": 1.0}]).endswith("no node has both")


def test_gpus_are_counted_apart():
    before = [running("a", gpu=1.0, most=1)]
    assert "all 1 GPUs" in hindrance(waiting("b", gpu=0.5), before, NODES, 4)
    assert hindrance(waiting("b"), before, NODES, 4) == ""


def test_the_head_takes_no_more_drivers_than_it_has_room_for():
    before = [running(name, cpu=0.1, most=1) for name in "abcd"]
    assert "4 sweeps run already" in hindrance(waiting("e", cpu=0.1), before, NODES, 4)
    assert hindrance(waiting("e", cpu=0.1), before, None, 5) == ""


def test_a_queue_of_several_processes_forgets_those_that_died(tmp_path):
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tuner.on_head.queue import Queue, Ticket\n"
        "with Queue(Path(sys.argv[1])).place(Ticket(sys.argv[2])):\n"
        "    print('there', flush=True); time.sleep(600)"
    )
    others = []
    for name in ("first", "second"):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), name], stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"there\n"
        others.append(process)
    queue = Queue(tmp_path)
    with queue.place(Ticket("third", most=math.inf)) as place:
        assert [ticket.name for ticket in place.before()] == ["first", "second"]
        place.change(begun=True, state="running")
        others[0].kill()
        others[0].wait()
        assert [ticket.name for ticket in place.before()] == ["second"]
        (_, second), (_, third) = queue.standing()
        assert (second.state, third.state, third.most) == ("queued", "running", math.inf)
    others[1].kill()
    others[1].wait()
    assert queue.standing() == []
    assert os.listdir(tmp_path) == []
