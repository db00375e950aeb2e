import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from trainables.classic.digits import Digits
from trainables.network import Network
from trainables.randomness import Generators
from trainables.training import Training


class Says(Network):
    """The same ten logits for every image, in two replicates."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor([logits, logits], dtype=torch.float64))

    def forward(self, x):
        return self.logits.unsqueeze(1).expand(-1, x.shape[-2], -1)


def softmax_regression(r=1):
    return Digits().build({**Digits.default_point, "depth": 0}, Generators.from_seed(0, r))


def test_a_network_that_knows_nothing_has_the_entropy_of_ten_digits():
    batch = Digits().sample(Generators.from_seed(0, 2, dtype=torch.float64))
    residuals = Digits().residuals(Says(*[0.0] * 10), batch)["cross_entropy"]
    torch.testing.assert_close(residuals, torch.full_like(residuals, math.log(10)))
    with torch.no_grad():
        assert Digits().error(Says(*[0.0] * 10)).tolist() == pytest.approx([math.log(10)] * 2)


def test_cross_entropies_are_worked_out_by_hand():
    # shares e^2 : 1 : ... : 1, of e^2 + 9
    problem, says = Digits(), Says(2.0, *[0.0] * 9)
    batch = problem.sample(Generators.from_seed(0, 2, dtype=torch.float64))
    zero = batch["targets"][..., 0] == 0
    by_hand = math.log(math.exp(2) + 9) - 2 * zero.double()
    torch.testing.assert_close(problem.residuals(says, batch)["cross_entropy"], by_hand)


def test_who_says_zero_to_everything_misses_the_other_digits():
    digits = Digits().sets().report.targets
    with torch.no_grad():
        missed = Digits().metrics(Says(1.0, *[0.0] * 9))["missed"]
    assert missed.tolist() == pytest.approx([(digits != 0).double().mean().item()] * 2)


def test_depth_0_is_the_softmax_regression_of_scikit_learn():
    sets = Digits().sets()
    images = sets.train.points.numpy() / 8 - 1  # what the network makes of pixels
    fitted = LogisticRegression(C=0.1, max_iter=500).fit(images, sets.train.targets[:, 0].numpy())
    network = softmax_regression().double()
    with torch.no_grad():
        parameters = np.concatenate([fitted.coef_.T.ravel(), fitted.intercept_])
        network.theta.copy_(torch.from_numpy(parameters))
        error, metrics = Digits().error(network), Digits().metrics(network)

    def shares(examples):
        return fitted.predict_proba(examples.points.numpy() / 8 - 1)

    tune, report = sets.tune, sets.report
    # rounding
    assert error.item() == pytest.approx(log_loss(tune.targets[:, 0], shares(tune)), rel=1e-6)
    assert metrics["report"].item() == pytest.approx(
        log_loss(report.targets[:, 0], shares(report)), rel=1e-6
    )
    read = shares(report).argmax(-1)
    assert metrics["missed"].item() == (read != report.targets[:, 0].numpy()).mean()


def test_softmax_regression_trains_to_the_optimum_of_scikit_learn():
    # the mean cross entropy plus strength |theta|^2 is convex, and C = 1 / (2 n strength) there; a
    # pixel that is always 1 has the biases as weights, which are penalised here
    strength, train, tune = 0.01, *Digits().sets()[:2]

    def pixels(examples):
        return torch.nn.functional.pad(examples.points / 8 - 1, (0, 1), value=1.0).numpy()

    inverse = 1 / (2 * len(train.points) * strength)
    regression = LogisticRegression(C=inverse, fit_intercept=False, max_iter=500)
    fitted = regression.fit(pixels(train), train.targets[:, 0].numpy())
    optimum = log_loss(tune.targets, fitted.predict_proba(pixels(tune)))
    point = {
        **Digits.default_point,
        "depth": 0,
        "learning_rate": 0.05,
        "schedule": "cosine",
        "regularizer": "l2",
        "regularizer.l2.strength": strength,
    }
    training = Training(Digits(batch_points=1000), point, replicates=2, epochs=200)
    # batches are drawn with replacement, so that the end is noisy: measured within 0.003
    assert training.advance(200).error == pytest.approx([optimum] * 2, rel=0.01)


def test_the_default_point_reads_nine_of_ten_digits_after_forty_epochs():
    training = Training(Digits(), Digits.default_point, replicates=2, epochs=40)
    # measured 0.03
    assert max(training.advance(40).metrics["missed"]) < 0.1
