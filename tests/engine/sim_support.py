"""What the tests of the simulated cluster share."""

import time
from collections.abc import Callable
from typing import TypeVar

from sim.api import Api, Object

T = TypeVar("T")


def eventually(condition: Callable[[], T | None], seconds: float = 180) -> T:
    """What *condition* returns, once it is true. The limit only ends a test that would hang."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.05)
    return result


def got(api: Api, path: str) -> Object:
    """The object at *path*, which must be there."""
    found = api.get(path)
    assert found is not None, path
    return found


def once(api: Api, path: str, condition: Callable[[Object], object]) -> Object:
    """The object at *path*, once there is one of which *condition* holds."""

    def look() -> Object | None:
        found = api.get(path)
        return found if found is not None and condition(found) else None

    found = eventually(look)
    assert found is not None
    return found


def is_ready(content: Object) -> bool:
    """Whether the condition Ready of a pod, node or custom resource is true."""
    conditions = content.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def new_namespace(api: Api, name: str, **labels: str) -> str:
    """A namespace, once pods may be created in it."""
    api.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    eventually(lambda: api.get(f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    return name
