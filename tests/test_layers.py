"""Who may import whom, how fast the entrance is, and that names lead to files."""

import ast
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = set(sys.stdlib_module_names)
OURS = {"search_spaces", "trainables", "tuner"}

# the first row whose path is the start of a file's path holds
MAY_IMPORT = [
    ("search_spaces/", {"numpy", "pydantic", "yaml", "search_spaces"}),
    ("trainables/trainable.py", {"ray", "torch", "trainables"}),
    ("trainables/report.py", set()),
    # where a storage is, and the only file that speaks to a bucket; pyarrow within its functions
    ("trainables/bucket.py", {"pyarrow"}),
    ("trainables/guard.py", {"psutil", "trainables.watcher"}),
    ("trainables/watcher.py", {"psutil"}),
    ("trainables/balancers/cagrad.py", {"clarabel", "numpy", "scipy", "torch", "trainables"}),
    ("trainables/classic/digits.py", {"numpy", "sklearn", "torch", "trainables"}),
    ("trainables/", {"torch", "numpy", "scipy", "torchjd", "trainables"}),
    ("tuner/execution.py", {"ray", "search_spaces", "trainables", "tuner"}),
    ("tuner/adapters.py", {"ray", "trainables.watcher", "tuner"}),
    ("tuner/bundled.py", {"numpy", "ray", "search_spaces", "tuner"}),
    # the network of a result is torch's, so the file that loads it may name torch in its methods
    ("tuner/trained.py", {"torch", "trainables", "tuner"}),
    ("tuner/solution.py", {"numpy", "torch", "trainables", "tuner"}),
    ("tuner/result.py", {"pandas", "trainables", "tuner"}),
    ("tuner/catalogue.py", {"search_spaces", "trainables", "tuner"}),
    # what a point does not say, and what a problem measures, is in the files of the trained
    ("tuner/prior.py", {"search_spaces", "trainables", "tuner"}),
    ("tuner/measured.py", {"search_spaces", "trainables", "tuner"}),
    ("tuner/subjects.py", {"search_spaces", "trainables", "tuner"}),
    ("tuner/tracking_client.py", {"mlflow", "tuner", "urllib3"}),
    ("tuner/tracking_server.py", {"mlflow", "tuner"}),
    ("tuner/node_metrics.py", {"mlflow", "ray", "tuner"}),
    ("tuner/event_files.py", {"tensorboardX", "tuner"}),
    ("tuner/publishing.py", {"mlflow", "tuner"}),
    ("tuner/mlflow_model.py", {"mlflow", "numpy", "trainables", "tuner"}),
    ("tuner/cli/", {"click", "tuner"}),
    ("tuner/progress.py", {"rich", "tuner"}),
    ("tuner/live_view.py", {"rich", "tuner"}),
    ("tuner/notebook.py", {"IPython", "tuner"}),  # which is there if a notebook is
    ("tuner/doctor.py", {"packaging", "trainables.bucket", "tuner"}),
    ("tuner/report.py", {"plotly", "trainables.report", "tuner"}),
    ("tuner/insight/importances.py", {"optuna", "tuner"}),
    ("tuner/insight/study.py", {"optuna", "search_spaces", "trainables.report", "tuner"}),
    ("tuner/figures/paper.py", {"matplotlib", "numpy", "plotly", "tuner"}),
    ("tuner/figures/parameters.py", {"optuna", "plotly", "tuner"}),
    ("tuner/figures/", {"plotly", "numpy", "trainables.report", "tuner"}),
    ("tuner/searchers/density.py", {"numpy", "scipy"}),
    ("tuner/searchers/hyperopt.py", {"numpy", "hyperopt", "search_spaces", "tuner"}),
    ("tuner/searchers/cmaes.py", {"cma", "numpy", "search_spaces", "tuner"}),
    ("tuner/searchers/sobol.py", {"numpy", "scipy", "search_spaces", "tuner"}),
    ("tuner/searchers/pymoo_method.py", {"numpy", "pymoo", "search_spaces", "tuner"}),
    ("tuner/searchers/pso.py", {"numpy", "pymoo", "search_spaces", "tuner"}),
    ("tuner/searchers/nsga2.py", {"numpy", "pymoo", "search_spaces", "tuner"}),
    ("tuner/searchers/tpe.py", {"numpy", "optuna", "search_spaces", "tuner"}),
    ("tuner/searchers/gp_ei.py", {"numpy", "search_spaces", "tuner"}),
    (
        "tuner/searchers/gaussian.py",
        {"bayes_opt", "numpy", "scipy", "sklearn", "tuner"},
    ),
    ("tuner/searchers/optuna_trials.py", {"optuna", "search_spaces", "tuner"}),
    ("tuner/ranking.py", {"numpy", "pymoo", "trainables.report", "tuner"}),
    (
        "tuner/",
        {
            "numpy",
            "pandas",
            "pydantic",
            "yaml",
            "search_spaces",
            "trainables.bucket",
            "trainables.report",
            "tuner",
        },
    ),
]

FILES = sorted(
    str(path.relative_to(ROOT)) for package in OURS for path in (ROOT / package).rglob("*.py")
)


def imports(path):
    """Every module that a file imports anywhere, those for type checking alone left out."""
    tree = ast.parse((ROOT / path).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.module, node.lineno


@pytest.mark.parametrize("path", FILES)
def test_every_import_is_allowed_by_the_table(path):
    row, allowed = next(row for row in MAY_IMPORT if path.startswith(row[0]))
    for module, line in imports(path):
        top = module.partition(".")[0]
        known = top in STANDARD or top in allowed or module in allowed
        assert known, f"{path}:{line} imports {module}; row {row!r} allows {sorted(allowed)}"


def test_a_strategy_imports_nothing_from_its_siblings():
    families = {
        "trainables/balancers": {"balancer", "gradients", "adam", "gramian", "softmax"},
        "tuner/searchers": {
            "searcher",
            "population",
            "pymoo_method",
            "coding",
            "density",
            "optuna_trials",
            "kept",
            "gaussian",
        },
        "tuner/schedulers": {
            "scheduler",
            "rungs",
            "brackets",
            "perturbation",
            "populations",
            "following",
            "order",
        },
    }
    for folder, shared in families.items():
        members = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
        package = folder.replace("/", ".")
        for path in (ROOT / folder).glob("*.py"):
            if path.stem == "__init__":
                continue
            for module, line in imports(path.relative_to(ROOT)):
                top, _, sibling = module.rpartition(".")
                strange = top == package and sibling in members - shared
                assert not strange, f"{path}:{line} imports {module}"


@pytest.mark.parametrize(
    "command",
    [
        "import tuner",
        "import tuner; tuner.Sweep(name='a', problem='burgers1d')",
        "import trainables",
        "import search_spaces",
        "from tuner.cli import main; main(['--help'], standalone_mode=False)",
        "from tuner.cli import main; main(['list', 'searchers'], standalone_mode=False)",
        "import tuner.report, tuner.tracking, tuner.figures",
        "import tuner.client, tuner.on_head.supervisor",
    ],
)
def test_the_entrance_loads_nothing_heavy(command):
    heavy = ["torch", "ray", "mlflow", "optuna", "plotly", "pandas", "rich"]
    script = f"{command}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_catalogue_of_problems_loads_no_part_of_scipy():
    # which would be half a second of the start of every trial's process
    script = "import trainables.problems, sys; print('scipy.linalg' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False"]


def test_every_member_of_a_registry_has_a_file_of_its_name():
    from trainables.balancers import BALANCERS
    from trainables.problems import PROBLEMS
    from tuner.schedulers import SCHEDULERS
    from tuner.searchers import SEARCHERS

    for registry in (BALANCERS, PROBLEMS, SCHEDULERS, SEARCHERS):
        for name, member in registry.items():
            assert member.__module__.rpartition(".")[2] == name


def test_everything_promised_by_a_package_is_there():
    import search_spaces
    import trainables
    import trainables.balancers
    import tuner

    for package in (search_spaces, trainables, trainables.balancers, tuner):
        for name in package.__all__:
            promised = getattr(package, name)
            if isinstance(promised, type) or inspect.isfunction(promised):
                assert promised.__name__ == name
                assert promised.__module__.partition(".")[0] in OURS
            elif name.isupper():
                assert len(promised), f"{package.__name__}.{name} is empty"
            else:
                assert typing.get_args(promised), f"{package.__name__}.{name} is no type"
    with pytest.raises(AttributeError, match="nothing"):
        tuner.nothing  # noqa: B018
