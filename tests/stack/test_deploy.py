"""`deploy/`: the chart, the alerts and the dashboard speak of what there is."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from prometheus_client import CollectorRegistry, generate_latest

from core.http.probes import VIEWS
from core.models import RefusalCount
from core.observability.metrics import Figures
from engine import lanes, run_due
from engine.models import CircuitBreaker, Effect
from tests import environment
from tests.factories import scheduled_mail
from tests.stack.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
CHART = DEPLOY / "helm" / "countersign"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "countersign.json").read_text())
OURS = re.compile(r"\bcountersign_\w+")

HELM = shutil.which("helm")
needs_helm = pytest.mark.skipif(
    HELM is None and importlib.util.find_spec("helm_python") is None, reason="neither helm nor helm-python-sdk is here"
)


@pytest.fixture
def figures(db) -> set[str]:
    """The names of all figures, of an installation in which each has something to tell."""
    scheduled_mail()
    run_due()
    scheduled_mail(name="another")
    Effect.objects.filter(state="waiting").update(state="ready")
    CircuitBreaker.objects.create(kind="mail.shut", failures=6)
    RefusalCount.objects.create(event="sign_in_refused", total=3)
    registry = CollectorRegistry()
    registry.register(Figures())
    return set(re.findall(r"^(countersign_\w+)", generate_latest(registry).decode(), re.MULTILINE))


def test_every_figure_that_is_shown_or_watched_exists(figures):
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    shown = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    watched = [rule["expr"] for rule in RULES]

    assert set(OURS.findall(" ".join(shown))) == figures  # each is shown, and no other
    assert set(OURS.findall(" ".join(watched))) <= figures | recorded


def test_each_alert_of_the_handbook_is_a_rule_with_its_threshold_and_its_patience():
    handbook = (REPOSITORY / "docs/operations.md").read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
    wanted = re.findall(r"^\| `(countersign_\w+)[^|`]*` ?([^|]*) \| ([^|]*) \|", handbook, re.MULTILINE)
    rules = {
        OURS.search(rule["expr"])[0]: (rule["expr"].rpartition(") ")[2], rule.get("for", "at once"))
        for rule in RULES
        if "alert" in rule and "absent" not in rule["expr"]
    }

    assert {figure for figure, _, _ in wanted} == set(rules)
    for figure, threshold, patience in wanted:
        assert rules[figure][1] == patience.replace(" min", "m")
        if threshold[0] in "=>":
            assert rules[figure][0].replace("==", "=") == threshold


def test_a_lane_of_ours_can_be_scaled_by():
    assert [rule["labels"]["lane"] for rule in RULES if rule.get("record") == scaling()["metric"]] == lanes()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("words", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")])
def test_prometheus_understands_the_rules(words):
    done = subprocess.run(["promtool", *words], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def scaling() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())["autoscaling"]
    return found


# The chart


def rendered(**values: Any) -> list[dict[str, Any]]:
    """What the chart makes of these values, by Helm itself."""
    values = {"publicUrl": "https://billing.example.com"} | values
    if HELM is not None:
        command = [HELM, "template", "billing", str(CHART), "--namespace", "money", "--values", "-"]
        done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        pages = [done.stdout]
    else:
        import helm_python

        with helm_python.Chart.load(str(CHART)) as chart:
            chart.validate_schema(values)
            files = chart.render(values, name="billing", namespace="money")
        pages = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    return [found for page in pages for found in yaml.safe_load_all(page) if found]


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for found in objects:
        if found["kind"] in {"Deployment", "Job"}:
            yield found["metadata"]["name"].removeprefix("billing-countersign-"), found["spec"]["template"]["spec"]


def variables(pod: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["containers"][0]["env"]}


def given(pod: dict[str, Any]) -> dict[str, str]:
    """The keys of the Secret that this pod is given, by the name of the file each becomes."""
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    return {item["path"]: item["key"] for item in secret["items"]}


@needs_helm
def test_the_chart_has_every_process_and_a_worker_for_each_lane():
    found = dict(pods(rendered()))

    assert set(found) == {"web", "worker-inward", "worker-outward", "worker-slow", "beat", "migrate"}
    words = " ".join(word for pod in found.values() for word in pod["containers"][0]["args"])
    assert set(re.findall(r"manage\.py (\w+)", words)) <= set(get_commands())
    assert [variables(found[f"worker-{lane}"])["WORKER_QUEUES"] for lane in lanes()] == lanes()
    assert found["web"]["containers"][0]["ports"] == [{"name": "http", "containerPort": settings.WEB_PORT}]


@needs_helm
def test_one_web_worker_or_beat_may_die():
    replicas = {
        found["metadata"]["name"].removeprefix("billing-countersign-"): found["spec"]["replicas"]
        for found in rendered()
        if found["kind"] == "Deployment"
    }

    assert set(replicas) == {"web", "worker-inward", "worker-outward", "worker-slow", "beat"}
    assert all(count >= 2 for count in replicas.values()), replicas


@needs_helm
def test_one_kind_of_worker_for_everything_needs_no_lanes():
    found = dict(pods(rendered(workers={"inward": None, "outward": None, "slow": None, "all": {"replicas": 3}})))

    assert "WORKER_QUEUES" not in variables(found["worker-all"])


@needs_helm
def test_no_pod_is_of_rank_or_may_write_or_holds_a_secret_in_its_environment():
    for name, pod in pods(rendered()):
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert pod["automountServiceAccountToken"] is False
        assert "limits" in container["resources"], name
        told = variables(pod)
        assert not {"SECRET_KEY", "DATABASE_URL", "BROKER_URL", "EMAIL_URL", "METRICS_TOKEN"} & set(told)
        assert told["SECRET_KEY_FILE"] == "/run/secrets/countersign/SECRET_KEY"
        assert {variable.removesuffix("_FILE") for variable in told} <= environment.variables()
        assert {f"{name}_FILE" for name in given(pod)} == {name for name in told if name.endswith("_FILE")}


@needs_helm
def test_behind_a_pooler_workers_go_past_it():
    found = dict(pods(rendered(secret={"directDatabaseKey": "DIRECT_DATABASE_URL"})))

    assert {name: given(pod)["DATABASE_URL"] for name, pod in found.items()} == {
        "web": "DATABASE_URL",
        "worker-inward": "DIRECT_DATABASE_URL",
        "worker-outward": "DIRECT_DATABASE_URL",
        "worker-slow": "DIRECT_DATABASE_URL",
        "beat": "DIRECT_DATABASE_URL",
        "migrate": "OWNER_DATABASE_URL",
    }


@needs_helm
def test_migrations_run_as_the_owner_and_nobody_else_does():
    keys = {"directDatabaseKey": "DIRECT_DATABASE_URL", "ownerDatabaseKey": "OWNER_DATABASE_URL"}
    found = dict(pods(rendered(secret=keys)))

    assert {name for name, pod in found.items() if "OWNER_DATABASE_URL" in given(pod).values()} == {"migrate"}
    assert given(found["migrate"])["DATABASE_URL"] == "OWNER_DATABASE_URL"
    assert found["migrate"]["containers"][0]["args"][2].split(" && ") == [
        "python manage.py migrate --noinput",
        "python manage.py grant_roles",
    ]


@needs_helm
@pytest.mark.guards("S27", "deploy/helm/countersign/templates/migrate.yaml: fail")
def test_two_roles_are_what_is_meant_without_a_word():
    """S27: without a key for the owner everything ran as one role, silently."""
    assert given(dict(pods(rendered()))["migrate"])["DATABASE_URL"] == "OWNER_DATABASE_URL"

    with pytest.raises(Exception, match="oneRole=true"):
        rendered(secret={"ownerDatabaseKey": ""})
    for secret in ({"oneRole": True}, {"oneRole": True, "ownerDatabaseKey": ""}):
        migrate = dict(pods(rendered(secret=secret)))["migrate"]
        assert given(migrate)["DATABASE_URL"] == "DATABASE_URL"
        assert migrate["containers"][0]["args"] == ["python", "manage.py", "migrate", "--noinput"]


@needs_helm
@pytest.mark.guards("S24", "deploy/helm/countersign/templates/ingress.yaml")
def test_no_probe_is_asked_from_outside():
    """S24: the Ingress sent `/readyz` and `/metrics` on, too."""
    objects = rendered(ingress={"enabled": True, "tlsSecret": "tls"})
    (ingress,) = [found for found in objects if found["kind"] == "Ingress"]
    paths = {each["path"]: each for each in ingress["spec"]["rules"][0]["http"]["paths"]}
    services = {found["metadata"]["name"]: found["spec"] for found in objects if found["kind"] == "Service"}

    assert set(paths) == {"/", *VIEWS}
    for path in VIEWS:
        assert paths[path]["pathType"] == "Exact"
        assert "selector" not in services[paths[path]["backend"]["service"]["name"]]
    assert "selector" in services[paths["/"]["backend"]["service"]["name"]]


@needs_helm
def test_the_image_may_be_pinned_and_never_floats():
    digest = f"sha256:{'0f' * 32}"
    images = {pod["containers"][0]["image"] for _, pod in pods(rendered(image={"digest": digest}))}
    without = {pod["containers"][0]["image"] for _, pod in pods(rendered())}

    assert images == {f"countersign:0.1.0@{digest}"}
    assert without == {"countersign:0.1.0"}


def test_no_version_of_the_chart_floats():
    values, chart = (yaml.safe_load((CHART / name).read_text()) for name in ("values.yaml", "Chart.yaml"))

    assert values["image"]["tag"] == ""
    assert re.fullmatch(r"\d+\.\d+\.\d+", chart["appVersion"])


@needs_helm
def test_workers_are_scaled_by_what_is_due_in_their_lane():
    workers = {"inward": {"autoscaling": {"enabled": True, "maxReplicas": 5}}}
    objects = rendered(workers=workers)
    (scaler,) = [found for found in objects if found["kind"] == "HorizontalPodAutoscaler"]
    (scaled,) = [
        found
        for found in objects
        if found["metadata"]["name"].endswith("worker-inward") and found["kind"] == "Deployment"
    ]

    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 5)
    assert scaler["spec"]["scaleTargetRef"]["name"] == scaled["metadata"]["name"]
    assert scaler["spec"]["metrics"][0]["external"]["metric"] == {
        "name": scaling()["metric"],
        "selector": {"matchLabels": {"lane": "inward"}},
    }
    assert "replicas" not in scaled["spec"]  # else each upgrade would set it back


@needs_helm
def test_whatever_selects_pods_finds_them():
    objects = rendered(ingress={"enabled": True, "tlsSecret": "tls"}, serviceMonitor={"enabled": True})
    labels = [
        found["spec"]["template"]["metadata"]["labels"] for found in objects if found["kind"] in {"Deployment", "Job"}
    ]

    for found in objects:
        if found["kind"] in {"PodDisruptionBudget", "Service", "NetworkPolicy", "Deployment"}:
            if found["metadata"]["name"].endswith("-nowhere"):
                continue
            selector = found["spec"].get("podSelector") or found["spec"]["selector"]
            wanted = selector.get("matchLabels", selector).items()
            assert any(wanted <= of.items() for of in labels), found["metadata"]["name"]


@needs_helm
def test_migrations_come_first_and_only_once():
    (job,) = [found for found in rendered() if found["kind"] == "Job"]

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "before-hook-creation" in job["metadata"]["annotations"]["helm.sh/hook-delete-policy"]


@needs_helm
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"publicUrl": "billing"}, "publicUrl"),
        ({"replicas": 3}, "replicas"),
        ({"web": {"replicas": 0}}, "web/replicas|web.replicas"),
    ],
)
def test_values_that_cannot_be_are_refused(values, why):
    with pytest.raises(Exception, match=why):
        rendered(**values)


@needs_helm
@pytest.mark.skipif(importlib.util.find_spec("kubernetes_validate") is None, reason="kubernetes-validate is not here")
def test_kubernetes_would_take_it():
    import kubernetes_validate

    workers = {"inward": {"autoscaling": {"enabled": True}}}
    for found in rendered(workers=workers, ingress={"enabled": True, "className": "nginx", "tlsSecret": "tls"}):
        kubernetes_validate.validate(found, "1.32", strict=True)
