import torch

from trainables.derivatives import partials


def test_first_and_second_derivatives_are_those_of_the_function():
    x = torch.rand(2, 5, 2, dtype=torch.float64, requires_grad=True)
    u = torch.sin(3 * x[..., 0]) * x[..., 1] ** 2
    u_x, u_y = partials(u, x)
    u_xx, u_xy = partials(u_x, x)
    torch.testing.assert_close(u_x, 3 * torch.cos(3 * x[..., 0]) * x[..., 1] ** 2)
    torch.testing.assert_close(u_y, torch.sin(3 * x[..., 0]) * 2 * x[..., 1])
    torch.testing.assert_close(u_xx, -9 * u)
    torch.testing.assert_close(u_xy, 6 * torch.cos(3 * x[..., 0]) * x[..., 1])
