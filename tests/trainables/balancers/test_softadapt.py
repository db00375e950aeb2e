import math

import pytest
import torch

from trainables.balancers import Generators, Gradients, SoftAdapt


def last_weights(balancer, losses):
    state, generator = balancer.init(losses[0]), Generators.from_seed(0)
    for row in losses:
        weights, state = balancer.weigh(row, Gradients(row, []), state, generator)
    return weights.tolist()


LOSSES = torch.tensor([[4.0, 1.0], [3.0, 1.0], [2.0, 0.8]], dtype=torch.float64)
SLOPES = [(2.0 - 4.0) / 2, (0.8 - 1.0) / 2]
MEANS = [3.0, (1.0 + 1.0 + 0.8) / 3]


def normalised(values):
    return [2 * value / sum(values) for value in values]


@pytest.mark.parametrize(
    ("form", "by_hand"),
    [
        ("original", [math.exp(s / 0.5) for s in SLOPES]),
        ("loss_weighted", [f * math.exp(s / 0.5) for s, f in zip(SLOPES, MEANS, strict=True)]),
        ("relative", [math.exp(s / f / 0.5) for s, f in zip(SLOPES, MEANS, strict=True)]),
    ],
)
def test_the_forms_are_those_worked_out_by_hand(form, by_hand):
    balancer = SoftAdapt(temperature=0.5, window=2, form=form)
    assert last_weights(balancer, LOSSES) == pytest.approx(normalised(by_hand))


def test_the_first_weights_are_equal_since_there_is_no_slope_yet():
    for form in ("original", "relative"):
        assert last_weights(SoftAdapt(form=form), LOSSES[:1]) == [1.0, 1.0]


def test_the_relative_form_does_not_depend_on_units():
    unit = torch.tensor([1e6, 1e-6], dtype=torch.float64)
    balancer = SoftAdapt(form="relative")
    assert last_weights(balancer, LOSSES * unit) == pytest.approx(last_weights(balancer, LOSSES))


def test_the_loss_that_falls_least_gets_the_largest_weight():
    slower, faster = last_weights(SoftAdapt(form="relative"), LOSSES.flip(-1))
    assert slower > faster


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"temperature": 0.0}, "> 0"), ({"window": 0}, ">= 1"), ({"form": "new"}, "one of original")],
)
def test_fields_that_mean_nothing_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        SoftAdapt(**fields)
