"""OpenVINO, imported so that it tells nobody and that threads may use it at once.

Its Python package reports every import otherwise. Import it from here, never by its own name.
"""

from __future__ import annotations

import sys
from typing import Any, cast

_MODULES = cast(dict[str, Any], sys.modules)
_ABSENT = object()
_telemetry = sys.modules.get("openvino_telemetry", _ABSENT)
# A None in sys.modules makes an import fail; OpenVINO then takes its own stub instead.
_MODULES["openvino_telemetry"] = None
try:
    import openvino
finally:
    if _telemetry is _ABSENT:
        del sys.modules["openvino_telemetry"]
    else:
        _MODULES["openvino_telemetry"] = _telemetry

# OpenVINO makes its table of numpy's types on first use, behind a lock that knows nothing of
# Python's own: two threads that need it first at the same time wait for each other for ever.
openvino.Type.f32.to_dtype()

__all__ = ["openvino"]
