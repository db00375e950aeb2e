"""Which cluster is meant, and where its token lies."""

import pytest

from tuner import TunerError
from tuner.jobs import address_of
from tuner.profiles import Cluster, cluster, config_path, profile_names


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """An environment without any cluster; writes the file of profiles."""
    for name in ("ADDRESS", "PROFILE", "TOKEN_FILE"):
        monkeypatch.delenv(f"TUNER_{name}", raising=False)
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(text):
        config_path().parent.mkdir(parents=True, exist_ok=True)
        config_path().write_text(text)

    return write


def token(path, text="secret-token\n", mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


LAB = """
default = "lab"
[lab]
address = "https://ray.example.org"
token_file = "~/lab.token"
storage = "s3://bucket/sweeps"
[other]
address = "other:8265"
"""


def test_what_is_given_comes_before_the_environment_and_that_before_the_file(config, monkeypatch):
    config(LAB)
    assert cluster().name == "lab"
    assert cluster(profile="other").address == "other:8265"
    monkeypatch.setenv("TUNER_PROFILE", "other")
    assert cluster().name == "other"
    monkeypatch.setenv("TUNER_ADDRESS", "http://third:8265")
    monkeypatch.delenv("TUNER_PROFILE")
    assert cluster() == Cluster("http://third:8265")
    assert cluster("fourth:8265").address == "fourth:8265"
    assert cluster(profile="lab").storage == "s3://bucket/sweeps"
    assert profile_names() == ["lab", "other"]


def test_a_token_is_read_where_the_profile_says_or_where_ray_looks(config, tmp_path, monkeypatch):
    config(LAB)
    assert cluster("some:8265").token is None
    token(tmp_path / "lab.token")
    assert cluster().token == "secret-token"
    assert cluster().jobs().address == "https://ray.example.org"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token(tmp_path / "ray", "of-ray")))
    assert cluster("some:8265").token == "of-ray"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "direct")
    assert cluster("some:8265").token == "direct"
    monkeypatch.setenv("TUNER_TOKEN_FILE", str(token(tmp_path / "mine", "of-mine")))
    assert cluster("some:8265").token == cluster().token == "of-mine"


def test_a_token_is_in_no_representation(tmp_path):
    file = token(tmp_path / "t")
    assert "secret-token" not in repr(Cluster("a:1", str(file)).jobs())


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("t", 0o644, "chmod 600"),
        ("\n", 0o600, "is empty"),
        (None, 0, "cannot be read (No such file"),
    ],
)
def test_a_token_file_that_is_none_is_refused(tmp_path, text, mode, words):
    path = tmp_path / "t"
    if text is not None:
        token(path, text, mode)
    with pytest.raises(TunerError) as caught:
        _ = Cluster("a:1", str(path)).token
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "profile", "words"),
    [
        ("", None, "no cluster is named"),
        (LAB, "lap", "Did you mean `lab`?"),
        ("[lab]\naddres = 'x'", "lab", "unknown key `addres`. Did you mean `address`?"),
        ("[lab]\ntoken_file = 'x'", "lab", "`address` is missing"),
        ("[lab]\naddress = 7", "lab", "is to be text"),
        ("[lab]\naddress = 'x'\ntoken = 'y'", "lab", "a token does not belong here"),
        ("[lab", "lab", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_says_what_is(config, text, profile, words):
    config(text)
    with pytest.raises(TunerError) as caught:
        cluster(profile=profile)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["ray://h:10001", "http://", "h:port", "http://u:p@h:1", "h:1?x"])
def test_what_is_no_address_of_a_dashboard_is_refused(text):
    with pytest.raises(TunerError, match="is no address of a cluster"):
        address_of(text)


def test_an_address_without_a_scheme_is_of_http():
    assert address_of("head:8265") == address_of("http://head:8265/") == "http://head:8265"
