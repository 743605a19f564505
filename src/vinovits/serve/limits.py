"""How much each key has asked for: what is beyond its bounds is refused."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import OutputError
from vinovits.output.atomic import atomic_file
from vinovits.serve.errors import ApiError
from vinovits.serve.keys import Grant

_log = logging.getLogger(__name__)

_MINUTE = 60.0
_DAY = 86400
_SAVE_SECONDS = 10.0


@dataclass(slots=True)
class _Bucket:
    """What may be asked for at once; it fills up again in a minute."""

    left: float
    since: float

    def fill(self, most: int, now: float) -> None:
        self.left = min(most, self.left + (now - self.since) * most / _MINUTE)
        self.since = now

    def wait(self, amount: float, most: int) -> float:
        """Seconds until so much is there."""
        return max(0.0, (min(amount, most) - self.left) * _MINUTE / most)


class Limits:
    """The use of all keys, for any number of threads. That of the day is kept in a file."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Go on with what the file says of today.

        Args:
            path: The file; it, and its folder, need not exist.
            clock: Seconds since 1970.
        """
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._day, self._used = _kept(path)
        self._saved = 0.0

    def charge(self, grant: Grant, texts: int, characters: int) -> None:
        """Count what is asked for, or refuse it: then nothing of it is counted.

        A text that is longer than a minute's bound is taken when all of that is there.

        Raises:
            ApiError: It is too much for now.
        """
        now = self._clock()
        with self._lock:
            day = int(now // _DAY)
            if day != self._day:
                self._day, self._used = day, {}
            used = self._used.get(grant.name, 0)
            if grant.quota is not None and used + characters > grant.quota:
                raise _refused(
                    f"This key has {max(0, grant.quota - used)} of its {grant.quota} characters "
                    "left for today.",
                    "quota_exceeded",
                    (day + 1) * _DAY - now,
                )
            asked = (
                ("requests", grant.requests, texts),
                ("characters", grant.characters, characters),
            )
            taken = []
            for what, most, amount in asked:
                if most is None:
                    continue
                bucket = self._buckets.setdefault((grant.name, what), _Bucket(most, now))
                bucket.fill(most, now)
                if (wait := bucket.wait(amount, most)) > 0:
                    raise _refused(
                        f"This key may ask for {most} {what} in a minute.", "rate_limited", wait
                    )
                taken.append((bucket, amount))
            for bucket, amount in taken:
                bucket.left -= amount
            if grant.quota is not None:
                self._used[grant.name] = used + characters
        if now - self._saved > _SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write what was used today, so that a restart doesn't forget it."""
        with self._lock:
            self._saved = self._clock()
            if not self._used:
                return
            text = json.dumps({"day": self._day, "used": self._used})
        try:
            with suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self._path) as part:
                part.write_text(text, encoding="utf-8")
        except (OSError, OutputError) as error:
            _log.warning("What keys have used can't be kept: %s", error)


def _kept(path: Path) -> tuple[int, dict[str, int]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return int(data["day"]), {str(name): int(used) for name, used in data["used"].items()}
    except FileNotFoundError:
        return 0, {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("What keys have used today can't be read: %s", error)
        return 0, {}


def _refused(message: str, code: str, seconds: float) -> ApiError:
    wait = str(max(1, math.ceil(seconds)))
    return ApiError(429, f"{message} Try again in {wait} s.", code, headers={"Retry-After": wait})
