import torch

from trainables.pinn.wave1d import Wave1D
from trainables.randomness import Generators


def test_the_residuals_of_the_exact_solution_vanish():
    class Exact(torch.nn.Module):
        def forward(self, points):
            x, t = torch.pi * points[..., 0], torch.pi * points[..., 1]
            u = torch.sin(x) * torch.cos(2 * t) + 0.5 * torch.sin(4 * x) * torch.cos(8 * t)
            return u.unsqueeze(-1)

    problem = Wave1D()
    batch = problem.sample(Generators.from_seed(0, 2, dtype=torch.float64))
    for residual in problem.residuals(Exact(), batch).values():
        # second derivatives are of size (8 pi)^2 / 2 = 316, so rounding is some 1e-13
        torch.testing.assert_close(
            residual.detach(), torch.zeros_like(residual), rtol=0, atol=1e-11
        )


def test_sampled_points_lie_where_their_names_say():
    batch = Wave1D().sample(Generators.from_seed(0, 2))
    assert (batch["initial"][..., 1] == 0).all()
    assert set(batch["boundary"][..., 0].flatten().tolist()) == {0.0, 1.0}
