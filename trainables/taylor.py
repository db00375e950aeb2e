"""Derivatives of a perceptron worked out on the way forward, with one backward pass for all of them.

Differentiating back through the network once for first and again for second derivatives, and then for
the parameters, visits hundreds of small operations. Here every layer passes on, beside its value,
the derivatives with respect to the inputs (Taylor arithmetic, forward mode), and the gradient with
respect to the parameters is written out by hand. Points where values are enough go along. With z and s the argument and the value of a unit,
a dot for the derivative along one input, and g for the gradient with respect to what it gives:

    forward     s(z),   s'(z) z.,   s'(z) z.. + s''(z) z.^2
    backward    g_z.. = s' g_s..
                g_z.  = s' g_s. + 2 s'' z. g_s..
                g_z   = s' g_s + s'' sum (z. g_s. + z.. g_s..) + s''' sum z.^2 g_s..

Source: Griewank & Walther, Evaluating Derivatives, 2008, chapter 13, for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainables.activations import Activation

Shapes = Sequence[tuple[int, int]]


def perceptron(
    theta: Tensor,
    h: Tensor,
    shapes: Shapes,
    activation: Activation,
    b: int,
    first: int,
    second: int,
) -> tuple[Tensor, Tensor]:
    """The outputs (r, n, o) of a perceptron at n points, and derivatives (r, (first + second) b, o).

    theta: (r, k), weights and bias of one layer after the other. h: (r, n + (first + second) b, d),
    the inputs of the first layer at all points; then, for the first b of these points, their
    derivatives along one direction after the other, `first` in all, and then the second ones along
    the first `second` directions. So are the derivatives of the outputs.
    The graph reaches theta alone, and gradients cannot be differentiated again.
    """
    outputs: tuple[Tensor, Tensor] = _Perceptron.apply(  # type: ignore[no-untyped-call]
        theta, h, shapes, activation, b, first, second
    )
    return outputs


class _Perceptron(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        theta: Tensor,
        h: Tensor,
        shapes: Shapes,
        activation: Activation,
        b: int,
        first: int,
        second: int,
    ) -> tuple[Tensor, Tensor]:
        kept: list[Tensor | None] = []
        points = h.shape[1] - (first + second) * b
        for layer, (weight, bias) in enumerate(_layers(theta, shapes)):
            kept += [h, weight]
            z = torch.bmm(h, weight)
            values, along = _parted(z, points, b)
            values += bias
            if layer == len(shapes) - 1:
                break
            h = torch.empty_like(z)
            s, onward = _parted(h, points, b)
            s.copy_(activation.value(values))
            slope = activation.slope(values, s)
            bend = squares = None
            if first:
                torch.mul(along, slope[:, :b].unsqueeze(1), out=onward)
                bend = activation.second(values[:, :b], s[:, :b], slope[:, :b])
            if bend is not None and second:
                squares = along[:, :second].square()
                onward[:, first:].addcmul_(squares, bend.unsqueeze(1), value=activation.factors[0])
            kept += [values, along, s, slope, bend, squares]
        ctx.save_for_backward(*kept)
        ctx.shapes, ctx.activation = shapes, activation
        ctx.points, ctx.b, ctx.first, ctx.second = points, b, first, second
        ctx.set_materialize_grads(False)
        return values, z[:, points:]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_values: Tensor | None, of_derivatives: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        points, b, first, second = ctx.points, ctx.b, ctx.first, ctx.second
        short = of_derivatives is None  # the way of a loss that sees values alone
        if of_values is None:
            if of_derivatives is None:
                return (None,) * 7
            of_values = torch.zeros_like(of_derivatives[:, :1]).repeat(1, points, 1)
        g = of_values if of_derivatives is None else torch.cat([of_values, of_derivatives], dim=1)
        kept, blocks = list(ctx.saved_tensors), list[Tensor]()
        of_bend, of_third = ctx.activation.factors
        last = len(ctx.shapes) - 1
        for layer in range(last, -1, -1):
            if layer < last:
                squares, bend, slope, s, along, z = (kept.pop() for _ in range(6))
                g_values, given = _parted(g, points, b)  # of the layer's own, so written over
                if not short:
                    by_bend, bent = _total(along * given), given[:, first:]
                    if second:
                        twice, by_third = along[:, :second] * bent, _total(squares * bent)
                    given *= slope[:, :b].unsqueeze(1)
                g_values *= slope
                if not short:
                    g_values[:, :b].addcmul_(bend, by_bend, value=of_bend)
                if not short and second:
                    given[:, :second].addcmul_(twice, bend.unsqueeze(1), value=2 * of_bend)
                    third = ctx.activation.third(z[:, :b], s[:, :b], slope[:, :b])
                    g_values[:, :b].addcmul_(third, by_third, value=of_third)
            weight, h = kept.pop(), kept.pop()
            reached = h[:, :points] if short else h
            blocks += [g[:, :points].sum(1), torch.bmm(reached.mT, g).flatten(1)]
            if layer:
                g = torch.bmm(g, weight.mT)
        return torch.cat(blocks[::-1], dim=1), None, None, None, None, None, None


def _parted(rows: Tensor, points: int, b: int) -> tuple[Tensor, Tensor]:
    """Views of the rows: the values (r, points, width), the derivatives (r, channels, b, width)."""
    r, n, width = rows.shape
    if n == points:
        return rows, rows
    values, derivatives = rows.split_with_sizes((points, n - points), 1)
    return values, derivatives.view(r, -1, b, width)


def _total(channels: Tensor) -> Tensor:
    """The sum over the channels."""
    return channels.squeeze(1) if channels.shape[1] == 1 else channels.sum(1)


def _layers(theta: Tensor, shapes: Shapes) -> list[tuple[Tensor, Tensor]]:
    """Weight (r, fan in, fan out) and bias (r, 1, fan out) of every layer."""
    sizes = [size for shape in shapes for size in (shape[0] * shape[1], shape[1])]
    blocks = theta.split(sizes, dim=1)
    return [
        (blocks[2 * k].view(-1, *shape), blocks[2 * k + 1].unsqueeze(1))
        for k, shape in enumerate(shapes)
    ]
