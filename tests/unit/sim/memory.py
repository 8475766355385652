"""An API server in memory, for reconcilers without a cluster."""

from base64 import b64encode

from sim.api import Api, Object


class Memory(Api):
    """An API server without rules: objects by their path."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}

    def get(self, path: str) -> Object | None:
        """The object at *path*."""
        return self.objects.get(path)

    def items(self, path: str, selector: str = "") -> list[Object]:
        """Those of a collection, of one namespace or of all."""
        wanted = set(selector.split(",")) - {""}
        whole = "/namespaces/" not in path  # a collection of every namespace
        return [
            each
            for key, each in self.objects.items()
            if key.rpartition("/")[0] == path
            or (whole and key.split("/")[-2] == path.rpartition("/")[2])
            if wanted <= {f"{k}={v}" for k, v in each["metadata"].get("labels", {}).items()}
        ]

    def create(self, path: str, content: Object | bytes) -> Object:
        """Like `apply`, in a collection."""
        assert isinstance(content, dict)
        return self.apply(f"{path}/{content['metadata']['name']}", content, "")

    def apply(self, path: str, content: Object, manager: str) -> Object:
        """Replace every field that *content* has."""
        del manager
        self.objects[path] = self.objects.get(path, {}) | content  # keeps the status
        return content

    def merge(self, path: str, content: Object) -> Object:
        """JSON merge patch."""
        found = self.objects[path.removesuffix("/status")]
        merged: Object = _merged(found, content)
        found.update(merged)
        return found

    def secret(self, namespace: str, name: str, **data: bytes) -> None:
        """A Secret; `_` in a key stands for a dot."""
        encoded = {key.replace("_", "."): b64encode(each).decode() for key, each in data.items()}
        content = {"metadata": {"name": name, "namespace": namespace}, "data": encoded}
        self.create(f"/api/v1/namespaces/{namespace}/secrets", content)


def _merged(old: Object, new: Object) -> Object:
    both = old | {
        key: _merged(old.get(key) or {}, value) if isinstance(value, dict) else value
        for key, value in new.items()
    }
    return {key: value for key, value in both.items() if value is not None}
