"""Whether the jobs of this machine answer: each writes its port to run/<job>.port."""

from __future__ import annotations

import http.client
from pathlib import Path

from streaming.local.services import ServiceStatus


def jobs(home: Path) -> list[ServiceStatus]:
    """One status for each run/<job>.port under `home`; running means that it answers at all, the detail tells /readyz."""
    return [_job(path) for path in sorted((home / "run").glob("*.port"))]


def _job(path: Path) -> ServiceStatus:
    name = path.stem.replace("_", "-")
    try:
        port = int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ServiceStatus(name, running=False, pid=None, port=None, detail=f"{path} holds no port")
    code = ready_code(port)
    if code is None:
        return ServiceStatus(name, running=False, pid=None, port=port, detail="does not answer")
    return ServiceStatus(name, running=True, pid=None, port=port, detail="ready" if code == http.client.OK else "not ready yet")


def ready_code(port: int) -> int | None:
    """HTTP status of /readyz at the port of 127.0.0.1, or None where nothing answers within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
