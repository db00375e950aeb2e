"""Point weightings: which points of a condition count how much, inside its loss.

An axis of its own beside the balancer: the point weighting shapes each loss, the balancer weighs
the losses against each other.
"""

from trainables.point_weights.causal import Causal
from trainables.point_weights.none import Alike
from trainables.point_weights.point_weighting import PointWeighting
from trainables.point_weights.residual_attention import ResidualAttention
from trainables.point_weights.self_adaptive import SelfAdaptive

POINT_WEIGHTS: dict[str, type[PointWeighting]] = {
    "none": Alike,
    "causal": Causal,
    "self_adaptive": SelfAdaptive,
    "residual_attention": ResidualAttention,
}

__all__ = [
    "POINT_WEIGHTS",
    "Alike",
    "Causal",
    "PointWeighting",
    "ResidualAttention",
    "SelfAdaptive",
]
