"""What a training has measured: one line of JSON for each time that it looked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vinovits.output.atomic import atomic_file, write_error

NAME = "history.jsonl"


@dataclass(frozen=True, slots=True)
class History:
    """The file, which only grows while a training runs."""

    path: Path

    def add(self, entry: dict[str, Any]) -> None:
        """Append an entry, which has a "step".

        Raises:
            OutputError: It can't be written.
        """
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        except OSError as error:
            raise write_error(self.path, error) from error

    def entries(self) -> list[dict[str, Any]]:
        """All of it; a line that was cut off when the process was killed is passed over."""
        if not self.path.is_file():
            return []
        found = []
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "step" in entry:
                found.append(entry)
        return found

    def forget(self, step: int) -> None:
        """Drop what was measured after a step, which will be done again."""
        kept = [entry for entry in self.entries() if entry["step"] <= step]
        with atomic_file(self.path) as part:
            part.write_text(
                "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in kept),
                encoding="utf-8",
                newline="\n",
            )
