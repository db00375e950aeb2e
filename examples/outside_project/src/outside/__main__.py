"""Train with both loops and print the final losses, unweighted and relative."""

from outside import balanced, plain
from outside.tasks import TASKS, relative_losses


def main() -> None:
    """A row for each loop."""
    print(f"{'':12}" + "".join(f"{name:>10}" for name in TASKS))
    for name, loop in (("plain", plain), ("balanced", balanced)):
        losses = relative_losses(loop.train())
        print(f"{name:12}" + "".join(f"{loss:10.3f}" for loss in losses))


if __name__ == "__main__":
    main()
