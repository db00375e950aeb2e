"""Writes docs/balancers.md from the docstrings of the balancers, and a picture of each.

    python docs/make_balancers.py [--text] [--only relobralo,gradnorm]

The text says nothing that a docstring does not say. A picture shows the unweighted losses and the
weights over the steps of a short run on `genz3`, the median of its replicates and their range.
"""

from __future__ import annotations

import argparse
import inspect
import io
import re
from dataclasses import fields
from pathlib import Path

from trainables.balancers import BALANCERS

PAGE = Path(__file__).parent / "balancers.md"
PICTURES = Path(__file__).parent / "images" / "balancers"
LABELS = ("Returns weights", "Reads", "Random", "State", "Breaks when", "Source", "Differs")
REPLICATES, EPOCHS = 4, 60
COLOURS = ("#4477aa", "#ee6677", "#228833")  # Paul Tol's, apart for the colour-blind

HEAD = f"""# Balancers

Made from the docstrings in `trainables/balancers/` by `make docs`. A balancer weighs the m parts
of a loss against each other; r is the number of replicates, L the losses, g their gradients, w the
weights. Every one also takes the options of `trainables/balancers/balancing.py`: `every`, `warmup`,
`clip`, `floor` and `prior`.

The pictures show the same short run on `genz3`, three functions at the scales 1, 100 and 10,000,
with the defaults of each balancer: the unweighted losses and the weights over the steps, the
median of {REPLICATES} replicates and their range.
"""


def summary(doc: str) -> str:
    """The first paragraph, one line."""
    return " ".join(re.split(r"\n\s*\n", doc)[0].split())


def formula(doc: str) -> str:
    """The first paragraph with an equation."""
    blocks = re.split(r"\n\s*\n", doc)
    return next((block for block in blocks if re.search(r"=|<-|~", block)), blocks[0])


def labelled(cls: type) -> dict[str, str]:
    """Label -> what the docstring says after it, up to the next label or the next field."""
    names = "|".join(field.name for field in fields(cls)) or "(?!)"
    text = re.sub(rf"\n(?=(?:{names})\b(?: >| in |:))", "\n\0", inspect.getdoc(cls) or "")
    label = "|".join(LABELS)
    found = {}
    for match in re.finditer(
        rf"(?:^|(?<=\n)|(?<=[.;] ))({label}): (.*?)(?=\s(?:{label}): |\n\s*\n|\n\0|\Z)",
        text,
        re.DOTALL,
    ):
        found[match[1]] = " ".join(match[2].replace("\0", "").split())
    return found


def section(name: str) -> str:
    """What the page says on one balancer."""
    cls = BALANCERS[name]
    doc, parts = inspect.getdoc(cls) or "", labelled(cls)
    lines = [f"## {name}", ""]
    if summary(doc) != formula(doc):
        lines += [summary(doc), ""]
    lines += ["```", formula(doc), "```", ""]
    if defaults := ", ".join(f"`{field.name}` {field.default!r}" for field in fields(cls)):
        lines.append(f"- Hyperparameters and defaults: {defaults}")
    lines += [f"- {label}: {parts[label]}" for label in LABELS if label in parts]
    lines += ["", f"![Losses and weights of {name}](images/balancers/{name}.png)", ""]
    return "\n".join(lines)


def text() -> str:
    """The whole page."""
    table = ["| balancer | what it does | reads | remembers |", "|---|---|---|---|"]
    for name, cls in BALANCERS.items():
        parts, does = labelled(cls), summary(inspect.getdoc(cls) or "")
        cells = (
            f"[{name}](#{name})",
            does.rstrip("."),
            re.split(r"\. |\.$|;", parts.get("Reads", ""))[0],
            re.split(r"\. |\.$", parts.get("State", ""))[0],
        )
        table.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([HEAD, *table, "", *map(section, BALANCERS)])


def draw(name: str) -> None:
    """The picture of a balancer."""
    import matplotlib as mpl
    import torch

    from trainables import Training
    from trainables.classic.genz3 import Genz3

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    torch.set_num_threads(1)
    point = {**Genz3.default_point, "balancer": name}
    training = Training(Genz3(), point, replicates=REPLICATES, epochs=EPOCHS)
    reports = [training.advance() for _ in range(EPOCHS)]
    steps = [report.steps for report in reports]
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.5), layout="constrained")
    for axis, kind in zip(axes, ("losses", "weights"), strict=True):
        everything = []
        for loss, colour in zip(Genz3.residual_names, COLOURS, strict=True):
            rows = torch.tensor([getattr(report, kind)[loss] for report in reports])
            axis.plot(steps, rows.quantile(0.5, dim=1), color=colour, label=loss, linewidth=1.2)
            axis.fill_between(steps, rows.amin(1), rows.amax(1), color=colour, alpha=0.2, lw=0)
            everything.append(rows)
        if torch.stack(everything).amin() > 0:
            axis.set_yscale("log")
        else:
            axis.set_yscale("symlog", linthresh=1e-3)
        axis.set_title(kind, fontsize=9)
        axis.set_xlabel("steps", fontsize=8)
        axis.tick_params(labelsize=7, which="both")
        axis.spines[["top", "right"]].set_visible(False)
    lines, names = axes[0].get_legend_handles_labels()
    figure.legend(lines, names, fontsize=7, frameon=False, loc="outside right center")
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=90)
    plt.close(figure)
    PICTURES.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(64).save(PICTURES / f"{name}.png", optimize=True)


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", action="store_true", help="the page without the pictures")
    parser.add_argument("--only", default=",".join(BALANCERS), help="pictures of these, by comma")
    given = parser.parse_args()
    PAGE.write_text(text())
    for name in () if given.text else given.only.split(","):
        draw(name)
        print(f"{name}: {(PICTURES / f'{name}.png').stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
