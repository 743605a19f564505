"""How many threads may work: of OpenVINO, of numpy's pools and of the text front ends alike.

A container with half a processor still sees all those of its host, and so do OpenVINO and BLAS:
they start a thread for each, which then wait for each other until the quota is refilled. So the
limit is looked for where the system keeps it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path, PurePosixPath

from vinovits.errors import UsageError

ENVIRONMENT = "VINOVITS_THREADS"
"""Environment variable: how many threads may work."""

OPENMP = "OMP_NUM_THREADS"
"""Environment variable that people set for all programs: it counts where ours isn't set."""

MOST = 1024

_POOLS = (OPENMP, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
"""Variables that pools read once, when they start: numpy's BLAS and the tokenizers'."""


def usable() -> int:
    """Threads that can really work at once.

    Those processors that the process may run on, or fewer if its container, or a control group
    around it, has a quota. A part of a processor counts as a whole one.
    """
    quota = cpu_quota()
    own = processors()
    return own if quota is None else min(own, max(1, math.ceil(quota)))


def processors() -> int:
    """Processors that this process may run on, whatever their quota is."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def cpu_quota(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Processors that the control groups around this process may use together, such as 0.5.

    Args:
        proc: Where the system tells of processes.
        groups: Where control groups are mounted, of version 1, 2 or both.

    Returns:
        The least quota of the group and those around it; None without one, as on systems other than
        Linux.
    """
    quotas = [quota for quota in _quotas(proc, groups) if quota is not None]
    return min(quotas, default=None)


def limit(asked: int | None, environment: MutableMapping[str, str] = os.environ) -> int | None:
    """How many threads are to work.

    Args:
        asked: What the caller wants, or None.
        environment: `ENVIRONMENT` counts where nothing is asked, and else `OPENMP`.

    Returns:
        A number, or None where there is no limit but the processors that there are: then OpenVINO
        chooses, which knows fast cores from slow ones.

    Raises:
        UsageError: What is asked, or the variable of ours, is no number from 1 to `MOST`.
    """
    if asked is not None:
        return check(asked, "The number of threads")
    if own := environment.get(ENVIRONMENT, "").strip():
        number = int(own) if own.isdecimal() and len(own) < 10 else own
        return check(number, f"The environment variable {ENVIRONMENT}")
    # "4,2" is for nested regions; what isn't a number is somebody else's to complain of.
    first = environment.get(OPENMP, "").split(",")[0].strip()
    if first.isdecimal() and 1 <= int(first[:10]) <= MOST:
        return min(int(first), usable())
    here = usable()
    return here if here < processors() else None


def check(number: object, what: str) -> int:
    """A number of threads.

    Args:
        number: What was given.
        what: Who gave it, to begin the message with.

    Raises:
        UsageError: It is no whole number from 1 to `MOST`.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST:
        raise UsageError(f"{what} must be a whole number from 1 to {MOST}, not {number!r:.40}.")
    return number


def bound_pools(threads: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Keep other pools of threads to a number, those that haven't started yet.

    Args:
        threads: For variables that the user hasn't set.
        environment: What the pools read when numpy or the tokenizers are first imported.
    """
    for name in _POOLS:
        environment.setdefault(name, str(threads))


def _quotas(proc: Path, groups: Path) -> Iterator[float | None]:
    for line in _read(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            for folder in _and_around(groups, path):
                yield _quota(*(_read(folder / "cpu.max").split() or ["max"])[:2])
        elif "cpu" in controllers.split(","):
            for mounted in (groups / "cpu", groups / controllers):
                for folder in _and_around(mounted, path):
                    quota = _read(folder / "cpu.cfs_quota_us").strip()
                    yield _quota(quota, _read(folder / "cpu.cfs_period_us").strip())


def _and_around(mounted: Path, path: str) -> list[Path]:
    """The folders of a group and of those around it.

    In a container its own group is often what is mounted, while its path is that on the host: the
    folders that there aren't are passed over by those who read them.
    """
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
    return [mounted.joinpath(*parts[:end]) for end in range(len(parts), -1, -1)]


def _quota(quota: str, period: str = "100000") -> float | None:
    """Processors of a quota in microseconds for each period; "max" and -1 are none."""
    try:
        used, within = int(quota), int(period)
    except ValueError:
        return None
    return used / within if used > 0 and within > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
