import torch
from torchjd.scalarization import Random as Reference

from trainables.balancers import Generators, Gradients, Random


def weigh(losses, generator):
    weights, _ = Random().weigh(losses, Gradients(losses, []), {}, generator)
    return weights


def test_the_weights_are_those_of_torchjd_for_the_same_draws_times_the_number_of_losses():
    losses = torch.rand(2, 5, requires_grad=True)
    generator = Generators.from_seed(3, 2)
    streams = generator.get_state()
    ours = weigh(losses.detach(), generator)
    for row in range(2):
        with torch.random.fork_rng():
            torch.set_rng_state(streams[row].clone())
            total = Reference()(losses[row])
        (theirs,) = torch.autograd.grad(total, losses)
        torch.testing.assert_close(ours[row], 5 * theirs[row])


def test_a_call_and_a_replicate_draw_their_own():
    generator, losses = Generators.from_seed(0, 2), torch.ones(2, 3)
    first, second = weigh(losses, generator), weigh(losses, generator)
    assert (first != second).all()
    assert (first[0] != first[1]).all()


def test_losses_without_replicates_are_weighed_like_the_first_replicate():
    alone = weigh(torch.ones(3), Generators.from_seed(0))
    among_others = weigh(torch.ones(2, 3), Generators.from_seed(0, 2))
    assert torch.equal(alone, among_others[0])


def test_the_mean_of_the_weights_is_one():
    weights = weigh(torch.ones(4000, 3), Generators.from_seed(0, 4000))
    # a weight is below 3 and its standard deviation about 0.6, so the mean's is 0.01
    torch.testing.assert_close(weights.mean(0), torch.ones(3), rtol=0, atol=0.05)
