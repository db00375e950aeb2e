"""The compose files, the Kubernetes objects and the others are valid, and as closed as promised."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import ray.autoscaler
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

import tuner
from tests.cluster import kuberay
from tests.cluster.manifests import COMPOSE, KUBERNETES, ROOT, compose, kubernetes, pods

VERSION = "1.33"  # of Kubernetes; objects as old as ours are the same in all newer ones
CARRIES_A_SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|ACCESS_KEY")
PINNED = re.compile(r":\d+\.\d+[\w.-]*$")

every_set = pytest.mark.parametrize("files", COMPOSE.values(), ids=COMPOSE.keys())
OBJECTS = list(kubernetes())
every_object = pytest.mark.parametrize(
    "thing", [thing for _, thing in OBJECTS], ids=[f"{file}-{o['kind']}" for file, o in OBJECTS]
)
PODS = [(f"{file}-{where}", pod) for file, o in OBJECTS for where, pod in pods(o)]
every_pod = pytest.mark.parametrize(
    "pod", [pod for _, pod in PODS], ids=[name for name, _ in PODS]
)


def services(files):
    return compose(*files)["services"].items()


def own_secrets():
    """What cluster/secrets.sh makes."""
    script = (ROOT / "cluster/secrets.sh").read_text()
    return set(re.findall(r"^make_secret (\w+)$", script, re.MULTILINE))


# Compose


@every_set
def test_the_compose_files_follow_the_compose_specification(files):
    schema = get_builtin_schema("vendor.compose-spec")
    for name in files:
        jsonschema.validate(yaml.safe_load((ROOT / name).read_text()), schema)
    jsonschema.validate(compose(*files), schema)


@every_set
def test_docker_compose_accepts_the_files_and_merges_them_as_we_do(files):
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("needs the client of Docker Compose")
    options = [word for name in files for word in ("--file", name)]
    answer = subprocess.run(
        ["docker", "compose", *options, "config", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    theirs, ours = json.loads(answer.stdout)["services"], dict(services(files))
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        assert theirs[name]["command"] == service.get("command"), name
        environment = {key: str(value) for key, value in service.get("environment", {}).items()}
        assert (theirs[name].get("environment") or {}) == environment, name
        assert {s["source"] for s in theirs[name]["secrets"]} == set(service["secrets"]), name
        assert theirs[name]["networks"].keys() == set(service["networks"]), name


@every_set
def test_ports_are_published_to_this_machine_alone(files):
    published = [port for _, service in services(files) for port in service.get("ports", ())]
    assert sorted(published) == ["127.0.0.1:5000:5000", "127.0.0.1:8265:8265"]


@every_set
def test_every_service_can_be_watched_restarted_stopped_and_bounded(files):
    for name, service in services(files):
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name
        assert service["stop_grace_period"].endswith("s"), name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name


@every_set
def test_ray_has_shared_memory_for_a_third_of_its_memory_and_for_its_object_store(files):
    def size(text):
        return float(text[:-1]) * {"m": 2**20, "g": 2**30}[text[-1]]

    for name, service in services(files):
        if name in {"head", "worker"}:
            share = size(service["shm_size"]) / size(service["mem_limit"])
            assert share == pytest.approx(1 / 3, abs=0.03), name  # sizes are in round numbers
            assert int(service["environment"]["RAY_OBJECT_STORE_BYTES"]) < size(
                service["shm_size"]
            )


@every_set
def test_no_service_is_privileged(files):
    for name, service in services(files):
        assert "no-new-privileges:true" in service["security_opt"], name
        for key in ("privileged", "cap_add", "network_mode", "pid", "ipc", "userns_mode", "user"):
            assert key not in service, f"{name}: {key}"
        assert "docker.sock" not in str(service), name
        if "build" in service:
            assert service["cap_drop"] == ["ALL"], name


@every_set
def test_the_environment_names_files_with_secrets_and_never_a_secret(files):
    whole = compose(*files)
    for name, service in whole["services"].items():
        for key, value in service.get("environment", {}).items():
            if CARRIES_A_SECRET.search(key):
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"
                assert Path(value).name in service["secrets"], f"{name}: {key}"
        assert not re.search(r"://\w+:[^@/\s]+@", str(service)), f"{name}: a password in a URI"
    for name, secret in whole["secrets"].items():
        assert secret == {"file": f"./cluster/secrets/{name}"}
        assert name in own_secrets(), f"cluster/secrets.sh does not make {name}"


@every_set
def test_every_file_that_a_service_mounts_or_starts_is_there(files):
    whole = compose(*files)
    for name, service in whole["services"].items():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file(), f"{name}: {source}"
            else:
                assert source in whole["volumes"], f"{name}: {source}"
        words = service.get("command", []) + service["healthcheck"]["test"]
        for word in words:
            if word.startswith("cluster/"):
                assert (ROOT / word).is_file(), f"{name}: {word}"
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).is_file()


@every_set
def test_ray_asks_for_its_token_on_every_node(files):
    for name, service in services(files):
        if name in {"head", "worker"}:
            assert service["environment"]["RAY_AUTH_MODE"] == "token"
            assert service["environment"]["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_token"


@every_set
def test_submitted_sweeps_go_to_a_volume_that_all_nodes_of_ray_share(files):
    both = dict(services(files))
    storage = both["head"]["environment"]["TUNER_STORAGE"]
    for name in ("head", "worker"):
        assert f"sweeps:{storage}" in both[name]["volumes"], name


@every_set
def test_the_database_is_reached_by_mlflow_alone(files):
    whole = compose(*files)
    assert {n for n, s in whole["services"].items() if "database" in s["networks"]} == {
        "mlflow",
        "postgres",
    }
    assert whole["networks"]["database"] == {"internal": True}


# Images


def images():
    for files in COMPOSE.values():
        yield from (service["image"] for _, service in services(files))
    for _, pod in PODS:
        yield from (container["image"] for container in pod["spec"]["containers"])
    yield yaml.safe_load((ROOT / "cluster/ray_up.yaml").read_text())["docker"]["image"]
    dockerfile = (ROOT / "cluster/Dockerfile").read_text()
    yield from re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)


def test_every_image_is_pinned_by_version():
    for image in images():
        assert PINNED.search(image), image


def test_our_image_has_our_version_and_the_others_have_one_each():
    versions = {}
    for image in set(images()):
        name, version = image.rsplit(":", 1)
        versions.setdefault(name.rsplit("/", 1)[-1], set()).add(version)
    assert versions["multiloss-tuner"] == {tuner.__version__}
    assert all(len(several) == 1 for several in versions.values()), versions


def test_our_image_does_not_run_as_root():
    dockerfile = (ROOT / "cluster/Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)[-1] == "${TUNER_UID}"
    assert re.search(r"^ARG TUNER_UID=[1-9]\d*$", dockerfile, re.MULTILINE)


def test_the_image_gets_only_what_it_copies_and_no_secret():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    dockerfile = (ROOT / "cluster/Dockerfile").read_text()
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert kept == copied
    assert not any("cluster/secrets".startswith(name) for name in kept)


# Kubernetes


@every_object
def test_the_objects_follow_the_schemas_of_kubernetes_or_of_kuberay(thing):
    if thing["kind"] in kuberay.SPECS:
        assert thing["apiVersion"] == "ray.io/v1"
        assert thing.keys() == {"apiVersion", "kind", "metadata", "spec"}
        jsonschema.validate(thing["spec"], kuberay.SPECS[thing["kind"]])
    elif thing["kind"] != "Kustomization":  # which is no object of the cluster
        kubernetes_validate.validate(thing, VERSION, strict=True)


@every_pod
def test_the_pods_follow_kubernetes_schema(pod):
    metadata = {"name": "a-pod"}
    whole = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": pod}
    kubernetes_validate.validate(whole, VERSION, strict=True)


def test_the_checks_find_a_misspelt_field():
    # schemas that let everything pass would make the tests above worthless
    wrong = {"headGroupSpec": {"rayStartParams": {}, "template": {}}, "enableAutoscaling": True}
    with pytest.raises(jsonschema.ValidationError, match="enableAutoscaling"):
        jsonschema.validate(wrong, kuberay.CLUSTER)
    pod = {"spec": {"containers": [{"name": "a", "imagePullPolice": "Always"}]}}
    whole = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}, "template": pod}
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        kubernetes_validate.validate(whole, VERSION, strict=True)


@every_pod
def test_no_pod_is_privileged(pod):
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@every_object
def test_kubernetes_files_hold_no_secret(thing):
    assert thing["kind"] != "Secret"
    for _, pod in pods(thing):
        for container in pod["spec"]["containers"]:
            for variable in container.get("env", ()):
                if CARRIES_A_SECRET.search(variable["name"]):
                    from_a_file = variable.get("value", "").startswith("/secrets/")
                    assert from_a_file or "secretKeyRef" in variable["valueFrom"], variable["name"]


def test_the_secrets_in_pods_are_those_that_the_guide_makes():
    guide = (ROOT / "docs/cluster.md").read_text()
    text = "".join(path.read_text() for path in KUBERNETES.glob("*.yaml"))
    used = set(re.findall(r"(?:secretName: |secretKeyRef: \{name: )([\w-]+)", text))
    assert used == set(re.findall(r"create secret generic ([\w-]+)", guide))
    for key in re.findall(r"--from-file=(?:\w+=)?cluster/secrets/(\w+)", guide):
        assert key in own_secrets()


def test_a_job_has_the_cluster_that_stays():
    specs = {o["kind"]: o["spec"] for _, o in OBJECTS if o["kind"] in kuberay.SPECS}
    assert specs["RayJob"]["rayClusterSpec"] == specs["RayCluster"]


def test_kuberay_has_the_token_no_trials_on_the_head_and_rays_own_version():
    (spec,) = (o["spec"] for _, o in OBJECTS if o["kind"] == "RayCluster")
    assert spec["authOptions"]["mode"] == "token"
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert f"ray=={spec['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()


def test_on_kubernetes_sweeps_can_ask_for_all_workers_that_may_come():
    (spec,) = (o["spec"] for _, o in OBJECTS if o["kind"] == "RayCluster")
    (head,) = spec["headGroupSpec"]["template"]["spec"]["containers"]
    said = {variable["name"]: variable.get("value") for variable in head["env"]}
    cpus = [
        int(group["rayStartParams"]["num-cpus"]) * group["maxReplicas"]
        for group in spec["workerGroupSpecs"]
    ]
    assert said["TUNER_MOST_CPUS"] == str(sum(cpus))
    assert said["TUNER_STORAGE"] in {mount["mountPath"] for mount in head["volumeMounts"]}


def test_kustomize_gets_every_file_but_the_job():
    (listed,) = (o["resources"] for _, o in OBJECTS if o["kind"] == "Kustomization")
    there = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(listed) == there - {"kustomization.yaml", "ray-job.yaml"}


def test_every_pod_is_closed_by_the_policies_to_all_but_those_who_need_it():
    policies = {
        o["metadata"]["name"]: o["spec"] for _, o in OBJECTS if o["kind"] == "NetworkPolicy"
    }
    assert policies["nothing-comes-in"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    by_label = {
        spec["podSelector"]["matchLabels"]["app"]: spec
        for spec in policies.values()
        if spec["podSelector"]
    }
    assert by_label.keys() == {pod["metadata"]["labels"]["app"] for _, pod in PODS}
    (only,) = by_label["postgres"]["ingress"]
    assert only["from"] == [{"podSelector": {"matchLabels": {"app": "mlflow"}}}]


# Virtual machines, and the proxy


def test_the_cluster_launcher_accepts_its_file():
    schema = Path(ray.autoscaler.__file__).parent / "ray-schema.json"
    config = yaml.safe_load((ROOT / "cluster/ray_up.yaml").read_text())
    jsonschema.validate(config, json.loads(schema.read_text()))


def test_the_launched_cluster_has_a_token_no_trials_on_its_head_and_a_closed_dashboard():
    config = yaml.safe_load((ROOT / "cluster/ray_up.yaml").read_text())
    assert "--env=RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    for source in config["file_mounts"].values():
        assert source in {f"cluster/secrets/{name}" for name in own_secrets()}
    start = config["head_start_ray_commands"][-1].split()
    assert {"--num-cpus=0", "--dashboard-host=127.0.0.1"} <= set(start)


def test_the_proxy_leads_to_the_two_ports_and_no_other():
    proxy = (ROOT / "cluster/proxy/Caddyfile").read_text()
    assert set(re.findall(r"reverse_proxy (\S+)", proxy)) == {"127.0.0.1:8265", "127.0.0.1:5000"}


@pytest.mark.parametrize("verb", ["up", "down", "logs"])
def test_make_knows_the_verbs_of_the_service(verb):
    answer = subprocess.run(["make", "-n", verb], cwd=ROOT, capture_output=True, text=True)
    assert f"docker compose {verb}" in answer.stdout, answer.stderr
