"""The spaces that come with the package."""

from __future__ import annotations

import pytest

from search_spaces import NAMED_SPACES, Choice, Constant, Float, Int, build, named_space

LOSSES = ("pde", "boundary")


def domains(name: str) -> dict[str, object]:
    return {p.name: p.domain for p in build({"use": [name]}, losses=LOSSES)}


def test_they_are_found_by_their_files():
    assert NAMED_SPACES == ("balancer", "network", "optimizer")


def test_an_unknown_one_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Did you mean `network`.* balancer, network, optimizer"):
        named_space("netwrk")


def test_what_is_handed_out_is_a_copy():
    named_space("network")["width"]["low"] = 1
    assert named_space("network")["width"]["low"] == 16


def test_the_network():
    assert domains("network") == {
        "width": Int(16, 128, "log", default=32),
        "depth": Int(2, 6, default=4),
        "activation": Choice(("tanh", "sin", "swish", "relu", "gelu"), default="tanh"),
        "initializer": Choice(("glorot", "kaiming"), default="glorot"),
    }


def test_the_optimizer():
    assert domains("optimizer") == {
        "learning_rate": Float(1e-4, 1e-1, "log", default=1e-3),
        "optimizer": Choice(("adam", "adamw", "sgd", "rmsprop"), default="adam"),
        "optimizer.adam.beta1": Float(0.5, 0.99, "logit", default=0.9),
        "optimizer.adam.beta2": Float(0.9, 0.9999, "logit", default=0.999),
        "optimizer.adamw.weight_decay": Float(1e-6, 1e-1, "log", default=1e-2),
        "optimizer.sgd.momentum": Float(0, 0.99, default=0.9),
        "optimizer.sgd.nesterov": Choice((True, False), default=True),
        "optimizer.rmsprop.decay": Float(0.8, 0.999, "logit", default=0.99),
        "schedule": Choice(("constant", "exponential", "cosine", "plateau"), default="constant"),
        "schedule.exponential.final": Float(1e-3, 1e-1, "log", default=1e-2),
        "schedule.cosine.final": Float(1e-4, 1e-1, "log", default=1e-2),
        "schedule.plateau.factor": Float(0.1, 0.7, default=0.5),
        "schedule.plateau.patience": Int(2, 20, "log", default=5),
        "schedule.warmup": Float(0, 0.1, default=0),
    }


def test_the_balancer():
    assert domains("balancer") == {
        "balancer": Choice(
            ("uniform", "static", "inverse_loss", "softadapt", "relobralo", "gradnorm"),
            default="uniform",
        ),
        "balancer.static.coefficients.pde": Constant(1.0),
        "balancer.static.coefficients.boundary": Float(1e-3, 1e3, "log", default=1),
        "balancer.inverse_loss.decay": Float(0.9, 0.9999, "logit", default=0.99),
        "balancer.softadapt.temperature": Float(1e-2, 10, "log", default=1),
        "balancer.softadapt.window": Choice((1, 3, 5, 10), default=5),
        "balancer.softadapt.form": Choice(
            ("original", "loss_weighted", "relative"), default="relative"
        ),
        "balancer.relobralo.temperature": Float(1e-3, 1e2, "log", default=0.1),
        "balancer.relobralo.alpha": Float(0.9, 0.9999, "logit", default=0.999),
        "balancer.relobralo.rho": Float(0.5, 0.9999, "logit", default=0.99),
        "balancer.gradnorm.alpha": Float(0, 3, default=1.5),
        "balancer.gradnorm.learning_rate": Float(1e-4, 1e-1, "log", default=1e-2),
        "balancer.gradnorm.layer": Choice(("last", "all"), default="last"),
    }


@pytest.mark.parametrize("name", NAMED_SPACES)
def test_every_range_and_choice_has_a_default(name):
    open_ended = [d for d in domains(name).values() if not isinstance(d, Constant)]
    assert all(domain.default is not None for domain in open_ended)
