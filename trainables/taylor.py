"""Derivatives of a perceptron worked out on the way forward, with one backward pass for all of them.

Differentiating back through the network once for first and again for second derivatives, and then for
the parameters, visits hundreds of small operations. Here every layer passes on, beside its value,
the derivatives with respect to the inputs (Taylor arithmetic, forward mode), and the gradient with
respect to the parameters is written out by hand. With z and s the argument and the value of a unit,
a dot for the derivative along one input, and g for the gradient with respect to what it gives:

    forward     s(z),   s'(z) z.,   s'(z) z.. + s''(z) z.^2
    backward    g_z.. = s' g_s..
                g_z.  = s' g_s. + 2 s'' z. g_s..
                g_z   = s' g_s + s'' sum (z. g_s. + z.. g_s..) + s''' sum z.^2 g_s..

Source: Griewank & Walther, Evaluating Derivatives, 2008, chapter 13, for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainables.activations import Activation

Shapes = Sequence[tuple[int, int]]


def perceptron(
    theta: Tensor, h: Tensor, shapes: Shapes, activation: Activation, first: int, second: int
) -> Tensor:
    """The channels (r, c, b, o) of a perceptron's output, of the channels h (r, c, b, d) of its input.

    theta: (r, n), weights and bias of one layer after the other. Channels are the value, `first`
    first derivatives, and second derivatives along the first `second` of these directions. The
    graph reaches theta alone, and gradients cannot be differentiated again.
    """
    outputs: Tensor = _Perceptron.apply(  # type: ignore[no-untyped-call]
        theta, h, shapes, activation, first, second
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
        first: int,
        second: int,
    ) -> Tensor:
        kept: list[Tensor] = []
        for layer, (weight, bias) in enumerate(_layers(theta, shapes)):
            r, c, b, _ = h.shape
            z = torch.bmm(h.reshape(r, c * b, -1), weight).view(r, c, b, -1)
            z[:, 0] += bias
            kept += [h, weight]
            if layer == len(shapes) - 1:
                break
            h = torch.empty_like(z)
            value = h[:, 0].copy_(activation.value(z[:, 0]))
            slope = activation.slope(z[:, 0], value)
            kept += [z, slope]
            if first:
                torch.mul(z[:, 1:], slope.unsqueeze(1), out=h[:, 1:])
                bend = activation.second(z[:, 0], value, slope)
                kept.append(bend)
            if second:
                squares = z[:, 1 : 1 + second].square()
                h[:, 1 + first :].addcmul_(squares, bend.unsqueeze(1))
                kept.append(squares)
        ctx.save_for_backward(*kept)
        ctx.shapes, ctx.activation, ctx.first, ctx.second = shapes, activation, first, second
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        first, second, last = ctx.first, ctx.second, len(ctx.shapes) - 1
        kept, blocks = list(ctx.saved_tensors), list[Tensor]()
        h = g  # what the present layer gives to the next one
        for layer in range(last, -1, -1):
            if layer < last:
                squares = kept.pop() if second else None
                bend = kept.pop() if first else None
                slope, z = kept.pop(), kept.pop()
                back = g * slope.unsqueeze(1)
                if bend is not None:
                    back[:, 0].addcmul_(bend, (z[:, 1:] * g[:, 1:]).sum(1))
                if bend is not None and squares is not None:
                    along, bent = slice(1, 1 + second), g[:, 1 + first :]
                    back[:, along].addcmul_(z[:, along] * bent, bend.unsqueeze(1), value=2)
                    third = ctx.activation.third(z[:, 0], h[:, 0], slope)
                    back[:, 0].addcmul_(third, (squares * bent).sum(1))
                g = back
            weight, h = kept.pop(), kept.pop()
            r, c, b, _ = g.shape
            flat = g.reshape(r, c * b, -1)
            blocks += [g[:, 0].sum(1), torch.bmm(h.reshape(r, c * b, -1).mT, flat).flatten(1)]
            if layer:
                g = torch.bmm(flat, weight.mT).view(r, c, b, -1)
        return torch.cat(blocks[::-1], dim=1), None, None, None, None, None


def _layers(theta: Tensor, shapes: Shapes) -> list[tuple[Tensor, Tensor]]:
    """Weight (r, fan in, fan out) and bias (r, 1, fan out) of every layer."""
    sizes = [size for shape in shapes for size in (shape[0] * shape[1], shape[1])]
    ends = list(pairwise(accumulate(sizes, initial=0)))
    blocks = [theta[:, start:end] for start, end in ends]
    return [
        (blocks[2 * k].view(-1, *shape), blocks[2 * k + 1].unsqueeze(1))
        for k, shape in enumerate(shapes)
    ]
