import importlib.util
import math
from pathlib import Path

import pytest
import torch

from trainables.balancers import Generators, Gradients, ReLoBRaLoBlend

LOSSES = torch.tensor([[4.0, 1.0], [2.0, 0.9], [1.0, 0.9]], dtype=torch.float64)


def path(balancer, losses):
    state, found = balancer.init(losses[0]), []
    for row in losses:
        weights, state = balancer.weigh(row, Gradients(row, []), state, Generators.from_seed(0))
        found.append(weights)
    return torch.stack(found)


def test_three_calls_are_those_worked_out_by_hand():
    def bal(*ratios):
        exponents = [math.exp(ratio / 0.5) for ratio in ratios]
        return [2 * e / sum(exponents) for e in exponents]

    weights = path(ReLoBRaLoBlend(temperature=0.5, alpha=0.8, rho=0.7), LOSSES)
    assert weights[0].tolist() == pytest.approx([1.0, 1.0])
    # the last losses are the first ones: shares 0.8 * 0.7, 0.8 * 0.3 and 0.2
    second = [0.56 + 0.44 * b for b in bal(2 / 4, 0.9)]
    assert weights[1].tolist() == pytest.approx(second)
    overall, recent = bal(1 / 4, 0.9), bal(1 / 2, 1.0)
    third = [
        0.56 * w + 0.24 * o + 0.2 * r for w, o, r in zip(second, overall, recent, strict=True)
    ]
    assert weights[2].tolist() == pytest.approx(third)


def neuraloperators_relobralo(losses, beta):
    """neuraloperator 2.0.0, from its one file: its requirements are many and not needed here."""
    spec = importlib.util.find_spec("neuralop")
    file = Path(spec.submodule_search_locations[0]) / "losses" / "meta_losses.py"
    module_spec = importlib.util.spec_from_file_location("meta_losses", file)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    theirs = module.Relobralo(
        [torch.nn.Parameter(torch.zeros(1))], losses.shape[1], alpha=0.9, beta=beta, tau=0.5
    )
    return [
        theirs({str(k): loss for k, loss in enumerate(row)}, step)[1].clone()
        for step, row in enumerate(losses)
    ]


@pytest.mark.parametrize("beta", [0.0, 1.0])  # where its random look-back is certain
def test_the_path_is_that_of_neuraloperator(beta):
    losses = torch.rand(20, 3, generator=torch.Generator().manual_seed(1)) + 0.1
    theirs = torch.stack(neuraloperators_relobralo(losses, beta))
    ours = path(ReLoBRaLoBlend(temperature=0.5, alpha=0.9, rho=beta), losses)
    # it adds 1e-8 to its denominators, in single precision; its weights start at step 1
    torch.testing.assert_close(ours[1:], theirs[1:], rtol=1e-5, atol=1e-5)


def test_the_unit_of_a_loss_does_not_matter():
    unit = torch.tensor([1e6, 1e-6], dtype=torch.float64)
    balancer = ReLoBRaLoBlend(alpha=0.5, rho=0.5)
    torch.testing.assert_close(path(balancer, LOSSES * unit), path(balancer, LOSSES))


def test_the_defaults_keep_falling_losses_within_a_factor_of_e():
    losses = torch.tensor([1.0, 1.0], dtype=torch.float64) * torch.stack(
        [0.9 ** torch.arange(5000.0), torch.ones(5000)], dim=-1
    )
    weights = path(ReLoBRaLoBlend(), losses.clamp_min(1e-100))
    assert (weights[:, 1] / weights[:, 0]).max() < math.e
    assert weights[-1, 1] / weights[-1, 0] > 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"temperature": 0.0}, r"ReLoBRaLoBlend\(temperature=0.0\): must be > 0"),
        ({"alpha": 1.5}, r"alpha=1.5.*\[0, 1\]"),
        ({"rho": -0.1}, r"rho=-0.1.*\[0, 1\]"),
    ],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        ReLoBRaLoBlend(**fields)
