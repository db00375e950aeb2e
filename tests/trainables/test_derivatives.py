import torch

from trainables.derivatives import laplacian, partials


def test_first_and_second_derivatives_are_those_of_the_function():
    x = torch.rand(2, 5, 2, dtype=torch.float64, requires_grad=True)
    u = torch.sin(3 * x[..., 0]) * x[..., 1] ** 2
    u_x, u_y = partials(u, x)
    u_xx, u_xy = partials(u_x, x)
    torch.testing.assert_close(u_x, 3 * torch.cos(3 * x[..., 0]) * x[..., 1] ** 2)
    torch.testing.assert_close(u_y, torch.sin(3 * x[..., 0]) * 2 * x[..., 1])
    torch.testing.assert_close(u_xx, -9 * u)
    torch.testing.assert_close(u_xy, 6 * torch.cos(3 * x[..., 0]) * x[..., 1])


def test_the_laplacian_adds_the_second_derivatives_of_all_inputs():
    x = torch.rand(2, 5, 3, dtype=torch.float64, requires_grad=True)
    u = torch.sin(3 * x[..., 0]) * x[..., 1] ** 3 + x[..., 2] ** 4
    by_hand = torch.sin(3 * x[..., 0]) * (6 * x[..., 1] - 9 * x[..., 1] ** 3) + 12 * x[..., 2] ** 2
    torch.testing.assert_close(laplacian(u, x), by_hand)


def test_the_laplacian_of_the_laplacian_is_the_biharmonic():
    # u_xxxx + 2 u_xxyy + u_yyyy of sin(2 x) y^5: (16 y^5 - 2 * 4 * 20 y^3 + 120 y) sin(2 x)
    x = torch.rand(2, 5, 2, dtype=torch.float64, requires_grad=True)
    y = x[..., 1]
    u = torch.sin(2 * x[..., 0]) * y**5
    by_hand = torch.sin(2 * x[..., 0]) * (16 * y**5 - 160 * y**3 + 120 * y)
    torch.testing.assert_close(laplacian(laplacian(u, x), x), by_hand)
