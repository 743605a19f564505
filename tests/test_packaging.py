"""The files for Docker, systemd and Kubernetes say what docs/deploy.md promises."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def stages() -> dict[str, list[dict[str, Any]]]:
    """The instructions of each stage of the Dockerfile."""
    parser = DockerfileParser(fileobj=(ROOT / "Dockerfile").open("rb"))
    found: dict[str, list[dict[str, Any]]] = {}
    for one in parser.structure:
        if one["instruction"] == "FROM":
            name = one["value"].split(" AS ")[1]
            found[name] = []
        elif one["instruction"] != "COMMENT":
            found[name].append(one)
    return found


def values(stage: list[dict[str, Any]], instruction: str) -> list[str]:
    return [one["value"] for one in stage if one["instruction"] == instruction]


def test_images_run_as_nobody_in_particular(stages: dict[str, list[dict[str, Any]]]) -> None:
    assert list(stages)[-1] == "cpu", "the last stage is what is built by default"
    for name in ("cpu", "gpu"):
        assert stages[name][-1]["value"] == "10001:10001"
        assert stages[name][-1]["instruction"] == "USER"
    assert "--uid 10001" in values(stages["base"], "RUN")[0]


def test_base_images_are_pinned_and_nothing_is_run_from_the_network() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    outer = [line.split()[1] for line in text.splitlines() if line.startswith("FROM")]
    assert {image for image in outer if image not in ("base", "build")} == {"ubuntu:24.04"}
    assert not re.search(r"curl|wget|\bADD\b|sudo", text)
    for install in re.findall(r"apt-get install[^&]*", text):
        assert "--no-install-recommends" in install


def test_the_container_is_asked_how_it_is(stages: dict[str, list[dict[str, Any]]]) -> None:
    [check] = values(stages["base"], "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[:2] == ["python3", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "/live" in command[2]
    assert values(stages["base"], "STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(values(stages["base"], "ENTRYPOINT")[0])[-1] == "vinovits"


def test_what_is_copied_is_there_and_not_ignored(stages: dict[str, list[dict[str, Any]]]) -> None:
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for value in values(stages["build"], "COPY"):
        for name in value.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in kept


def test_extras_exist(stages: dict[str, list[dict[str, Any]]]) -> None:
    [argument] = values(stages["build"], "ARG")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra in argument.partition("=")[2].split(","):
        assert re.search(rf"^{extra} = \[", project, re.M), extra


def test_compose_shuts_what_can_be_shut() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert services.keys() == {"vinovits", "vinovits-gpu", "wyoming"}
    for name, service in services.items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        # Written to: /tmp, and the two volumes of the image.
        assert [mount.split(":")[1] for mount in service["volumes"][:2]] == ["/data", "/cache"]
        assert service["build"]["target"] in ("cpu", "gpu")
    assert "--api-key-file" in services["vinovits"]["command"]


def test_the_unit_is_shut_and_right(tmp_path: Path) -> None:
    text = (ROOT / "packaging" / "vinovits.service").read_text("utf-8")
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    service = dict(unit["Service"])
    for key, value in {
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }.items():
        assert service[key] == value
    assert "MemoryDenyWriteExecute" not in service, "OpenVINO makes machine code"
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    copy = tmp_path / "vinovits.service"
    copy.write_text(text.replace("/opt/vinovits/bin/vinovits", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "vinovits" in line]
    assert not complaints, done.stderr


def test_the_page_has_files_that_can_be_read() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.S)
    deployment, service = yaml.safe_load_all(block)
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    for name in re.findall(r"`?packaging/([\w.]+)", page):
        assert (ROOT / "packaging" / name).is_file()
