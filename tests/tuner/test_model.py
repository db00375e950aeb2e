"""What comes out of a sweep: a network, a file without code, and an MLflow model."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests.faults.sweeping import run_here
from trainables import Model
from tuner import Result, Sweep, TunerError
from tuner.cli import main
from tuner.driver import Driver
from tuner.execution import check
from tuner.journal import Journal

POINTS = [[0.5, 0.0], [-0.5, 0.5], [0.1, 0.9]]


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    """The best trial of a small sweep, which dropout is a part of."""
    sweep = Sweep(
        name="small",
        problem="burgers1d",
        space={"use": [], "set": {"width": {"choice": [4, 6]}, "depth": 2, "dropout": 0.2}},
        budget={"trials": 2, "epochs": 2},
        replicates=3,
        precision="float64",
        storage=str(tmp_path_factory.mktemp("sweeps")),
    )
    subject, space = check(sweep)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, space, subject.default_point, journal)
        driver.open({})
        run_here(sweep, driver)
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    return Result(sweep.folder).best()


def test_the_file_holds_the_network_and_its_point_and_no_code(best, tmp_path):
    path = best.export(tmp_path / "best.pt")
    plain = torch.load(path, weights_only=True)
    assert plain["point"] == best.point
    assert plain["settings"]["width"] == best.point["width"]
    assert plain["origin"] == {"sweep": "small", "trial": best.trial.number, "epoch": 2}
    again = Model.load(path)
    assert torch.equal(again.predict(POINTS), best.predict(POINTS))
    assert again.predict(POINTS).dtype is torch.float64
    with torch.no_grad():
        error = again.task.error(again.network)
    assert tuple(error.tolist()) == again.errors == best.trial.reports[-1].error


def test_each_replicate_of_the_file_can_be_asked(best, tmp_path):
    model = Model.load(best.export(tmp_path / "best.pt"))
    rows = [model.predict(POINTS, replicate) for replicate in range(3)]
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[model.replicate], model.predict(POINTS))


def test_points_of_another_shape_are_refused(best):
    with pytest.raises(ValueError, match=r"expected \(b, d\), found \(2,\)"):
        best.predict([0.5, 0.0])


@pytest.mark.parametrize("content", [b"", b"not a model", None])
def test_any_other_file_is_no_model(tmp_path, content):
    path = tmp_path / "other.pt"
    if content is None:
        torch.save({"weights": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="no model that `tuner export`"):
        Model.load(path)


def test_mlflow_predicts_with_the_model_in_a_process_of_its_own(best, tmp_path):
    from tuner.mlflow_model import save_model

    folder = save_model(best.model(), tmp_path / "model")
    script = (
        "import sys, numpy, mlflow.pyfunc\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "points = numpy.array(eval(sys.argv[2]))\n"
        "print(model.predict(points).tolist())\n"
        "print(model.predict(points, params={'replicate': 0}).tolist())\n"
        "import json; print(json.dumps(model.metadata.metadata['point']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(POINTS)],
        capture_output=True,
        text=True,
        check=True,
    )
    middle, first, point = done.stdout.splitlines()
    assert json.loads(middle) == best.predict(POINTS).tolist()
    assert json.loads(first) == best.predict(POINTS, replicate=0).tolist()
    assert json.loads(point) == best.point
    assert not list(folder.rglob("*.pkl"))


def test_the_command_line_writes_both(best, tmp_path):
    def export(*words):
        storage = str(best.result.folder.parent)
        return CliRunner().invoke(main, ["export", "small", "--storage", storage, *words])

    told = json.loads(export("--output", str(tmp_path / "a.pt"), "--json").stdout)
    assert told["point"] == best.point
    assert np.array_equal(Model.load(told["file"]).predict(POINTS), best.predict(POINTS))
    assert Model.load(tmp_path / "a.pt").origin["trial"] == told["trial"]
    assert export("--mlflow", str(tmp_path / "m")).exit_code == 0
    assert (tmp_path / "m" / "MLmodel").exists()
    other = export("--trial", "7", "--output", str(tmp_path / "b.pt"))
    assert other.exit_code == 2
    assert "no trial 7" in other.stderr


def test_a_sweep_that_left_no_checkpoint_has_nothing_to_export(best, tmp_path):
    import shutil

    copied = shutil.copytree(best.result.folder, tmp_path / "small")
    shutil.rmtree(copied / "trials")
    with pytest.raises(TunerError, match="left no checkpoint"):
        Result(copied).best().export(tmp_path / "x.pt")
