"""Balancers: how the parts of a loss are weighed against each other.

A balancer sees the m unweighted losses of r replicates and answers with weights (r, m). It is a
frozen dataclass whose fields are its hyperparameters; what it remembers is a value that goes in
and comes out. `Balancing` puts the options around it that every balancer has.

In a training loop of your own, with losses of shape (m,):

>>> import torch
>>> from trainables.balancers import Balancing, Generators, Gradients, ReLoBRaLo
>>> model = torch.nn.Linear(1, 1)
>>> balancing, generator, state = Balancing(ReLoBRaLo()), Generators.from_seed(0), None
>>> losses = torch.stack([model(torch.ones(1)).square().sum(), model.weight.square().sum()])
>>> state = state or balancing.init(losses)
>>> gradients = Gradients(losses, model.parameters())
>>> weights, state = balancing.weigh(losses, gradients, state, generator)
>>> (weights * losses).sum().backward()
>>> weights
tensor([1., 1.])
"""

from trainables.balancers.balancer import Balancer, State
from trainables.balancers.balancing import Balancing
from trainables.balancers.gradients import Gradients
from trainables.balancers.gradnorm import GradNorm
from trainables.balancers.inverse_loss import InverseLoss
from trainables.balancers.relobralo import ReLoBRaLo
from trainables.balancers.softadapt import SoftAdapt
from trainables.balancers.static import Static
from trainables.balancers.uniform import Uniform
from trainables.randomness import Generators

BALANCERS: dict[str, type[Balancer]] = {
    "uniform": Uniform,
    "static": Static,
    "inverse_loss": InverseLoss,
    "softadapt": SoftAdapt,
    "relobralo": ReLoBRaLo,
    "gradnorm": GradNorm,
}

__all__ = [
    "BALANCERS",
    "Balancer",
    "Balancing",
    "Generators",
    "GradNorm",
    "Gradients",
    "InverseLoss",
    "ReLoBRaLo",
    "SoftAdapt",
    "State",
    "Static",
    "Uniform",
]
