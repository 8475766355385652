"""The settings of a simulated cluster, read back from disk."""

import json
from pathlib import Path

import pytest

from config.settings.cluster import ClusterConfig
from sim.settings import Settings, new_layout, read_settings


@pytest.mark.parametrize(("version", "known"), [(2, True), (1, False), (None, False)])
def test_files_of_another_version_are_not_resumed(
    tmp_path: Path, version: int | None, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.settings._MEMORY", tmp_path / "nowhere")
    cluster = ClusterConfig.model_validate(
        {
            "context": "it",
            "identifier": "it",
            "nodes": [{"profile": "cpu-8", "count": 1}],
            "storage_classes": [{"name": "x", "default": True}],
        }
    )
    layout = new_layout(tmp_path)
    (layout.data / "etcd").mkdir(parents=True)
    Settings(layout=layout, expects=cluster, version=2).write()
    written = json.loads((tmp_path / "settings.json").read_text())
    del written["version"]
    stated = {} if version is None else {"version": version}
    (tmp_path / "settings.json").write_text(json.dumps(written | stated))

    assert (read_settings(tmp_path) is not None) is known
