"""How many threads work, by control groups, variables and what is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vinovits import threads
from vinovits.errors import UsageError


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """A folder for /proc and one for the control groups."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "cgroup").mkdir()
    return tmp_path / "proc", tmp_path / "cgroup"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50000 100000\n", 0.5),
        ("250000 100000\n", 2.5),
        ("max 100000\n", None),
        ("150000\n", 1.5),
        ("", None),
        ("lots of 100000\n", None),
        ("100000 0\n", None),
    ],
)
def test_a_quota_of_version_2(
    machine: tuple[Path, Path], text: str, expected: float | None
) -> None:
    proc, groups = machine
    _write(proc / "self" / "cgroup", "0::/work/one\n")
    _write(groups / "work" / "one" / "cpu.max", text)
    assert threads.cpu_quota(proc, groups) == expected


def test_the_least_quota_of_all_groups_around_counts(machine: tuple[Path, Path]) -> None:
    proc, groups = machine
    _write(proc / "self" / "cgroup", "0::/work/one\n")
    _write(groups / "work" / "one" / "cpu.max", "max 100000\n")
    _write(groups / "work" / "cpu.max", "300000 100000\n")
    _write(groups / "cpu.max", "800000 100000\n")
    assert threads.cpu_quota(proc, groups) == 3


def test_a_container_sees_its_own_group_as_the_root(machine: tuple[Path, Path]) -> None:
    proc, groups = machine
    _write(proc / "self" / "cgroup", "0::/../docker/0123\n")
    _write(groups / "cpu.max", "50000 100000\n")
    assert threads.cpu_quota(proc, groups) == 0.5


@pytest.mark.parametrize("mounted", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "expected"), [("50000", 0.5), ("-1", None)])
def test_a_quota_of_version_1(
    machine: tuple[Path, Path], mounted: str, quota: str, expected: float | None
) -> None:
    proc, groups = machine
    _write(
        proc / "self" / "cgroup",
        "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n3:cpuset:/\n0::/\n",
    )
    folder = groups / mounted / "docker" / "0123"
    _write(folder / "cpu.cfs_quota_us", f"{quota}\n")
    _write(folder / "cpu.cfs_period_us", "100000\n")
    assert threads.cpu_quota(proc, groups) == expected


def test_no_control_groups_are_no_quota(tmp_path: Path) -> None:
    assert threads.cpu_quota(tmp_path, tmp_path) is None


@pytest.mark.parametrize(
    ("quota", "own", "expected"), [(0.5, 8, 1), (2.5, 8, 3), (None, 8, 8), (16.0, 2, 2)]
)
def test_half_a_processor_is_one_thread(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, own: int, expected: int
) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    monkeypatch.setattr(threads, "processors", lambda: own)
    assert threads.usable() == expected
    assert threads.limit(None, {}) == (expected if expected < own else None)
    # What is asked for counts: somebody knows better.
    assert threads.limit(6, {}) == 6


def test_our_variable_goes_before_that_of_openmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: None)
    monkeypatch.setattr(threads, "processors", lambda: 8)
    assert threads.limit(None, {"OMP_NUM_THREADS": "3"}) == 3
    assert threads.limit(None, {"OMP_NUM_THREADS": "4,2"}) == 4
    assert threads.limit(None, {"OMP_NUM_THREADS": "64"}) == 8
    assert threads.limit(None, {"OMP_NUM_THREADS": "many"}) is None
    assert threads.limit(None, {"OMP_NUM_THREADS": "0"}) is None
    assert threads.limit(None, {"OMP_NUM_THREADS": "3", "VINOVITS_THREADS": "2"}) == 2
    assert threads.limit(5, {"VINOVITS_THREADS": "2"}) == 5


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "1.5", "9" * 30])
def test_a_wrong_variable_is_told(wrong: str) -> None:
    with pytest.raises(UsageError, match="VINOVITS_THREADS must be a whole number"):
        threads.limit(None, {"VINOVITS_THREADS": wrong})


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "2", 5000])
def test_a_wrong_number_is_told(wrong: object) -> None:
    with pytest.raises(UsageError, match="number of threads must be"):
        threads.limit(wrong, {})


def test_pools_are_bounded_but_for_what_the_user_has_set() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    threads.bound_pools(2, environment)
    assert environment["OMP_NUM_THREADS"] == "7"
    assert environment["OPENBLAS_NUM_THREADS"] == environment["RAYON_NUM_THREADS"] == "2"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_the_processors_are_those_that_the_process_may_run_on() -> None:
    script = (
        "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])\n"
        "from vinovits import threads\n"
        "print(threads.processors(), threads.usable())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1"], done.stderr
