"""What goes to a cluster with a sweep, and what stays here."""

import os

import pytest

from tuner import Sweep, TunerError
from tuner.shipping import MOST, described, located, packed, unpacked

SWEEP = Sweep(name="a", problem="burgers1d")


@pytest.fixture
def package(tmp_path):
    """A package with all that does not belong to it."""
    folder = tmp_path / "my_package"
    for name in ("", "inner", "data", ".git", ".venv", "own_env", "__pycache__", "a.egg-info"):
        (folder / name).mkdir()
        (folder / name / "file.py").write_text("x = 1\n")
    (folder / "__init__.py").write_text("")
    (folder / "table.csv").write_text("1,2\n")
    (folder / "own_env" / "pyvenv.cfg").write_text("")
    (folder / "file.pyc").write_text("")
    (folder / "secret.py").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("password")
    return folder


def names(submission, folder):
    code = unpacked(submission.content, folder).code
    return sorted(str(path.relative_to(code)) for path in code.rglob("*") if path.is_file())


def test_code_arrives_without_what_is_no_code(package, tmp_path):
    sent = packed(SWEEP, [package])
    assert names(sent, tmp_path / "there") == [
        "my_package/__init__.py",
        "my_package/file.py",
        "my_package/inner/file.py",
        "my_package/table.csv",
    ]
    assert {"my_package/data", "my_package/.git", "my_package/own_env"} <= set(sent.left_out)


def test_the_sweep_arrives_as_it_is_and_without_code_there_is_none(tmp_path):
    received = unpacked(packed(SWEEP, storage="/shared").content, tmp_path)
    assert Sweep.from_yaml(received.sweep) == SWEEP
    assert received.code is None
    assert received.about["storage"] == "/shared"


def test_the_same_is_the_same_and_a_changed_line_of_code_is_not(package):
    first = packed(SWEEP, [package])
    os.utime(package / "file.py", (0, 0))
    assert packed(SWEEP, [package]) == first
    assert described(first.content)["digest"] == first.digest
    (package / "file.py").write_text("x = 2\n")
    assert packed(SWEEP, [package]).digest != first.digest
    assert packed(SWEEP.model_copy(update={"seed": 1}), []).digest != packed(SWEEP, []).digest
    assert packed(SWEEP, [], "/elsewhere").digest == packed(SWEEP, []).digest


def test_code_is_named_by_folder_by_file_or_as_it_is_imported(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.py").write_text("")
    assert located("my_package") == located(package) == package
    assert located("alone") == located("alone.py") == tmp_path / "alone.py"
    assert located("tuner").name == "tuner"
    for wrong in ("not_there", "./nothing", "sys", "file.txt"):
        with pytest.raises(TunerError, match="neither a folder, nor a file"):
            located(wrong)


def test_a_folder_that_cannot_be_imported_is_refused(tmp_path):
    (tmp_path / "my-project").mkdir()
    with pytest.raises(TunerError, match="no package can be called 'my-project'"):
        packed(SWEEP, [tmp_path / "my-project"])


def test_too_much_is_refused_before_it_is_sent_with_what_is_largest(package, monkeypatch):
    assert MOST < 100 * 2**20  # which Ray takes in one request, with what surrounds it
    monkeypatch.setattr("tuner.shipping.MOST", 2**20)
    (package / "weights.bin").write_bytes(os.urandom(2**20 + 1))
    with pytest.raises(TunerError, match=r"1 MiB at most.*my_package/weights\.bin \(1 MiB\)"):
        packed(SWEEP, [package])
    with (package / "sparse.bin").open("wb") as file:
        file.truncate(2**40)  # not read at all
    with pytest.raises(TunerError, match=r"my_package/sparse\.bin"):
        packed(SWEEP, [package])
