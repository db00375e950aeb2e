"""Going on from states that a run did not save itself: of another point, or of fewer replicates.

Both make a state of the run that is to go on, which its `load_state_dict` takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from trainables.balancers.balancer import State
from trainables.choices import Choices, choices

if TYPE_CHECKING:
    from trainables.training import Training

Saved = Mapping[str, Any]
"""What `Training.state_dict` returns."""


def adapted(training: Training, state: Saved) -> dict[str, Any]:
    """The state of another point, as one of `training` with its point.

    Taken over: the tensors of the network, the random streams, the history, the counts and what
    is lost. The rest is taken over where it means the same:

    optimizer  its moments if it is of the same kind, with the new learning rate and settings;
               another kind starts without moments
    balance    all of it if the strategy is the same and its state has the same shapes; another
               strategy starts anew from the weights so far (see `Balancing.carry_over`)
    attention  all of it if the point weighting is the same, else it starts anew
    carried    all of it if it has the same shapes, else it starts anew
    refined    nothing: the sampling starts anew
    phase      nothing: a last phase begins anew with the points and weights of the moment

    Raises ValueError if the tensors of the network, the replicates or the losses are others.
    """
    _check(training, state)
    own = training.state_dict()
    names = training.problem.active_names
    then = choices(state["point"], names, training.problem.residual_names)
    now = training.chosen
    moments = state["optimizer"]["state"] if _alike(then.optimizer, now.optimizer) else {}
    return {
        **state,
        "identity": own["identity"],
        "point": own["point"],
        # the groups hold learning rate and settings: those of the new point
        "optimizer": {"state": moments, "param_groups": own["optimizer"]["param_groups"]},
        "balance": _balance(then, now, state["balance"]),
        "attention": state["attention"]
        if _alike(then.point_weighting, now.point_weighting)
        else {},
        "carried": state["carried"]
        if _shapes(state["carried"]) == _shapes(own["carried"])
        else own["carried"],
        "refined": {},
        "phase": {},
    }


def joined(training: Training, first: Saved, rest: Saved) -> dict[str, Any]:
    """The states of replicates 0 to k-1 and k to r-1 of one run, as the state of all r.

    Raises ValueError if they are not of the same point, seed and epoch, or not r together.
    """
    for key in ("identity", "epoch", "steps"):
        if first[key] != rest[key]:
            raise ValueError(
                f"cannot be joined: {key} is {first[key]} in one, {rest[key]} in the other"
            )
    found = len(first["lost"]) + len(rest["lost"])
    if found != len(training.lost):
        raise ValueError(f"cannot be joined: {found} replicates, expected {len(training.lost)}")
    shapes = {name: tensor.shape for name, tensor in training.network.state_dict().items()}
    network = {
        # what has the shape of the whole already, has no axis of replicates
        name: tensor
        if tensor.shape == shapes[name]
        else torch.cat([tensor, rest["network"][name]])
        for name, tensor in first["network"].items()
    }
    parts = (
        "optimizer",
        "balance",
        "attention",
        "carried",
        "refined",
        "phase",
        "streams",
        "lost",
        "first",
    )
    return {
        **first,
        **{part: _stacked(first[part], rest[part]) for part in parts},
        "network": network,
        "history": torch.cat([first["history"], rest["history"]], dim=1),  # (epochs, r)
        "seconds": first["seconds"] + rest["seconds"],
    }


def _check(training: Training, state: Saved) -> None:
    if (there := tuple(state["lost"].shape)) != (here := tuple(training.lost.shape)):
        raise ValueError(f"cannot be adopted: {there} replicates and losses, {here} here")
    tensors = state["network"], training.network.state_dict()
    kinds = [
        {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in some.items()}
        for some in tensors
    ]
    for name in sorted(kinds[0].keys() | kinds[1].keys()):
        theirs, ours = kinds[0].get(name), kinds[1].get(name)
        if theirs != ours:
            raise ValueError(
                f"cannot be adopted: `{name}` of the network is {theirs}, {ours} here"
            )


def _balance(then: Choices, now: Choices, state: State) -> State:
    if not state:
        return {}
    if _alike(then.balancing.balancer, now.balancing.balancer):
        wanted = now.balancing.init(torch.ones_like(state["weights"]))
        if _shapes(wanted) == _shapes(state):
            return state
    return now.balancing.carry_over(state)


def _shapes(state: State) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


def _alike(one: object, other: object) -> bool:
    return type(one) is type(other)


def _stacked(first: Any, rest: Any) -> Any:
    """Tensors one after the other along the replicates; what has no axes is the same in both."""
    if isinstance(first, Mapping):
        return {key: _stacked(value, rest[key]) for key, value in first.items()}
    if isinstance(first, Tensor) and first.ndim:
        return torch.cat([first, rest])
    return first
