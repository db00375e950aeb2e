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

from trainables.balancers.aligned_mtl import AlignedMTL
from trainables.balancers.balancer import Balancer, State
from trainables.balancers.balancing import Balancing
from trainables.balancers.cagrad import CAGrad
from trainables.balancers.config import ConFIG
from trainables.balancers.dwa import DWA
from trainables.balancers.famo import FAMO
from trainables.balancers.geometric_mean import GeometricMean
from trainables.balancers.grad_norm_balance import GradNormBalance
from trainables.balancers.grad_scale import GradScale
from trainables.balancers.gradients import Gradients
from trainables.balancers.gradnorm import GradNorm
from trainables.balancers.imtl_g import IMTLG
from trainables.balancers.imtl_l import IMTLL
from trainables.balancers.initial_loss import InitialLoss
from trainables.balancers.inverse_dirichlet import InverseDirichlet
from trainables.balancers.inverse_loss import InverseLoss
from trainables.balancers.lr_annealing import LRAnnealing
from trainables.balancers.meta_net import MetaNet
from trainables.balancers.mgda import MGDA
from trainables.balancers.minmax import MinMax
from trainables.balancers.ntk import NTK
from trainables.balancers.pcgrad import PCGrad
from trainables.balancers.performance_target import PerformanceTarget
from trainables.balancers.random import Random
from trainables.balancers.relobralo import ReLoBRaLo
from trainables.balancers.relobralo_blend import ReLoBRaLoBlend
from trainables.balancers.schedule import WeightSchedule
from trainables.balancers.softadapt import SoftAdapt
from trainables.balancers.static import Static
from trainables.balancers.stch import STCH
from trainables.balancers.uncertainty import Uncertainty
from trainables.balancers.uniform import Uniform
from trainables.balancers.upgrad import UPGrad
from trainables.randomness import Generators

BALANCERS: dict[str, type[Balancer]] = {
    "uniform": Uniform,
    "static": Static,
    "schedule": WeightSchedule,
    "random": Random,
    "initial_loss": InitialLoss,
    "inverse_loss": InverseLoss,
    "geometric_mean": GeometricMean,
    "stch": STCH,
    "performance_target": PerformanceTarget,
    "softadapt": SoftAdapt,
    "dwa": DWA,
    "relobralo": ReLoBRaLo,
    "relobralo_blend": ReLoBRaLoBlend,
    "gradnorm": GradNorm,
    "uncertainty": Uncertainty,
    "imtl_l": IMTLL,
    "famo": FAMO,
    "minmax": MinMax,
    "meta_net": MetaNet,
    "grad_norm_balance": GradNormBalance,
    "grad_scale": GradScale,
    "lr_annealing": LRAnnealing,
    "inverse_dirichlet": InverseDirichlet,
    "ntk": NTK,
    "upgrad": UPGrad,
    "mgda": MGDA,
    "pcgrad": PCGrad,
    "cagrad": CAGrad,
    "config": ConFIG,
    "imtl_g": IMTLG,
    "aligned_mtl": AlignedMTL,
}

__all__ = [
    "BALANCERS",
    "DWA",
    "FAMO",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "NTK",
    "STCH",
    "AlignedMTL",
    "Balancer",
    "Balancing",
    "CAGrad",
    "ConFIG",
    "Generators",
    "GeometricMean",
    "GradNorm",
    "GradNormBalance",
    "GradScale",
    "Gradients",
    "InitialLoss",
    "InverseDirichlet",
    "InverseLoss",
    "LRAnnealing",
    "MetaNet",
    "MinMax",
    "PCGrad",
    "PerformanceTarget",
    "Random",
    "ReLoBRaLo",
    "ReLoBRaLoBlend",
    "SoftAdapt",
    "State",
    "Static",
    "UPGrad",
    "Uncertainty",
    "Uniform",
    "WeightSchedule",
]
