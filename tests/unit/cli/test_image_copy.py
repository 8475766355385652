"""`pai images copy` between registries that run here; tests/conformance copies into a real one."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog.images import ImageSpec, image_spec
from cli import image_copy, image_options
from cli.main import app
from cli.stack_images import UsedImage
from tests.registries import Registry, digest, serving

LAYERS = (b"base" * 5000, b"program" * 3000)
_INDEX_OF_NOTHING = json.dumps(
    {"schemaVersion": 2, "manifests": [{"digest": f"sha256:{'0' * 64}", "size": 1}]}
).encode()
LOGIN = "someone:canary-password"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(image_copy.time, "sleep", lambda _: None)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def source() -> Iterator[Registry]:
    with serving(Registry()) as registry:
        registry.push("library/kong", "3.9", *LAYERS)
        registry.push("qdrant/qdrant", "v1", LAYERS[0], b"other")
        yield registry


@pytest.fixture
def target() -> Iterator[Registry]:
    with serving(Registry()) as registry:
        yield registry


def spec(source: Registry, path: str, tag: str, locked: str = "") -> ImageSpec:
    return ImageSpec.model_construct(
        key=path.rpartition("/")[2],
        repository=f"{source.host}/{path}",
        tag=tag,
        digest=locked,
        sources=[],
        license=image_spec("kong").license,
    )


@pytest.fixture
def images(source: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stack of the command uses."""
    found = [spec(source, "library/kong", "3.9"), spec(source, "qdrant/qdrant", "v1")]
    used = [UsedImage(image) for image in found]
    monkeypatch.setattr(image_options, "used_images", lambda _: ("", used))


def copy(target: Registry, *words: str) -> Result:
    command = ["images", "copy", "--to", f"{target.host}/m", "--insecure", *words]
    return CliRunner().invoke(app, command, env={"COLUMNS": "200", "TERM": "dumb"})


def log_in(folder: Path, *hosts: str) -> None:
    auth = base64.b64encode(LOGIN.encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {h: {"auth": auth} for h in hosts}}))


@pytest.mark.usefixtures("images")
def test_all_platforms_arrive_with_their_digests(source: Registry, target: Registry) -> None:
    done = copy(target, "--json")

    assert done.exit_code == 0, done.output
    for (repository, reference), stored in source.manifests.items():
        assert target.manifests[f"m/{repository}", reference] == stored
    for (repository, name), content in source.blobs.items():
        assert target.blobs[f"m/{repository}", name] == content
    found = json.loads(done.stdout)
    assert [c["key"] for c in found["copied"]] == ["kong", "qdrant"]
    assert found["copied"][0]["digest"] == digest(source.manifests["library/kong", "3.9"][1])
    assert found["failed"] == []


@pytest.mark.usefixtures("images")
def test_what_is_there_is_not_sent_again_and_layers_of_other_images_are_mounted(
    source: Registry, target: Registry
) -> None:
    copy(target)
    mounted = [path for method, path, _ in target.asked if "mount=" in path]
    assert len(mounted) == 3  # the layer, and the configurations of both platforms
    assert target.methods().count("PUT") == (2 + 2 + 3) + (1 + 3)

    source.asked.clear()
    target.asked.clear()
    again = copy(target)
    assert again.exit_code == 0
    assert again.stdout.count("there already") == 2
    assert set(target.methods()) == {"GET"}
    assert not [path for _, path, _ in source.asked if "/blobs/" in path]


@pytest.mark.usefixtures("images")
def test_a_copy_that_was_interrupted_goes_on_with_what_is_missing(target: Registry) -> None:
    copy(target)
    kept = dict(target.blobs)
    target.manifests.clear()
    del target.blobs["m/library/kong", digest(LAYERS[1])]
    target.asked.clear()
    assert copy(target, "kong").exit_code == 0

    assert target.blobs == kept
    uploads = [path for method, path, _ in target.asked if method == "PUT" and "/blobs/" in path]
    assert len(uploads) == 1


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.usefixtures("images")
def test_a_layer_that_is_cut_off_goes_on_where_it_ended(
    source: Registry, target: Registry, ranges: bool
) -> None:
    source.cut, source.ranges = 1000, ranges
    assert copy(target, "kong").exit_code == 0
    assert target.blobs["m/library/kong", digest(LAYERS[0])] == LAYERS[0]
    assert target.methods().count("PUT") == 2 + 2 + 3, "nothing was sent twice"


@pytest.mark.usefixtures("images")
def test_a_mirror_that_fails_for_a_while_is_asked_again(target: Registry) -> None:
    target.failing["POST"] = [503, 429]
    done = copy(target, "kong")
    assert done.exit_code == 0, done.output
    assert "HTTP 503; again in 2 s" in done.stderr


def test_one_platform_has_a_digest_of_its_own(
    source: Registry, target: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = digest(source.manifests["library/kong", "3.9"][1])
    used = [UsedImage(spec(source, "library/kong", "3.9", index))]
    monkeypatch.setattr(image_options, "used_images", lambda _: ("", used))
    done = copy(target, "kong", "--platform", "linux/arm64")

    assert done.exit_code == 0, done.output
    _, body = target.manifests["m/library/kong", "3.9"]
    assert digest(body) != index
    config = json.loads(body)["config"]["digest"]
    assert target.blobs["m/library/kong", config] == b'{"architecture": "arm64"}'
    assert f"pai images lock --registry-prefix {target.host}/m kong" in done.stdout
    refused = copy(target, "kong", "--platform", "linux/s390x")
    assert "no platform linux/s390x; it has linux/amd64, linux/arm64" in refused.stderr


def test_a_locked_digest_is_what_arrives_wherever_the_tag_has_moved(
    source: Registry, target: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = digest(source.manifests["library/kong", "3.9"][1])
    moved = source.push("library/kong", "3.9", b"newer")
    used = [UsedImage(spec(source, "library/kong", "3.9", locked))]
    monkeypatch.setattr(image_options, "used_images", lambda _: ("", used))
    assert copy(target).exit_code == 0
    assert digest(target.manifests["m/library/kong", "3.9"][1]) == locked != moved


@pytest.mark.usefixtures("images")
def test_each_login_goes_to_its_own_registry(
    source: Registry, target: Registry, tmp_path: Path
) -> None:
    target.login = LOGIN
    refused = copy(target, "kong")
    assert refused.exit_code == 1
    assert f"HTTP 401: the login may not write to {target.host}/m/library/kong" in refused.stderr
    assert f"`docker login {target.host}`" in refused.stderr

    log_in(tmp_path, target.host)
    source.asked.clear()
    done = copy(target, "kong")
    assert done.exit_code == 0, done.output
    assert {sent for _, _, sent in source.asked} == {""}
    assert "canary" not in refused.output + done.output


@pytest.mark.usefixtures("images")
def test_a_credential_helper_that_is_not_there_is_told(target: Registry, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {target.host: "nosuch"}}))
    done = copy(target)
    assert done.exit_code == 1
    assert "docker-credential-nosuch, which Docker's config.json names" in done.stderr
    assert "a copy of each of 2: kong, qdrant" in done.stderr


@pytest.mark.usefixtures("images")
def test_failures_are_grouped_by_host_and_keep_no_other_image_from_being_copied(
    source: Registry, target: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Registry(host="127.0.0.1:1")
    used = [spec(gone, f"x/{name}", "1") for name in "abc"] + [spec(source, "library/kong", "3.9")]
    monkeypatch.setattr(image_options, "used_images", lambda _: ("", [UsedImage(i) for i in used]))
    done = copy(target)

    assert done.exit_code == 1
    assert done.stderr == (
        "127.0.0.1:1\n"
        "    got:      127.0.0.1:1 cannot be reached (Connection refused)\n"
        "    allowed:  a copy of each of 3: a, b, c\n"
        "    change:   Check the network, the proxy and the certificates\n\n"
        "1 of 4 images are in the mirror.\n"
    )
    assert ("m/library/kong", "3.9") in target.manifests


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "an answer of another form"),
        (b"{", "an answer of another form"),
        (b'{"schemaVersion": 1}', "an answer of another form"),
        (b'{"schemaVersion": 2, "layers": [{"digest": "../x", "size": 1}]}', "another form"),
        (b'{"schemaVersion": 2, "layers": [{"size": 1}]}', "an answer of another form"),
        (b'{"schemaVersion": 2, "manifests": 7}', "an answer of another form"),
        (
            b'{"schemaVersion": 2, "manifests": [{"digest": "sha256:%s", "size": 1}]}'
            % (b"0" * 64),
            "no ",
        ),
        (b"", "no "),
    ],
)
@pytest.mark.usefixtures("images")
def test_a_registry_that_answers_something_else_is_told(
    source: Registry, target: Registry, body: bytes, message: str
) -> None:
    source.manifests["library/kong", "3.9"] = ("application/json", body)
    done = copy(target, "kong")
    assert done.exit_code == 1, done.output
    assert message in done.stderr
    assert isinstance(done.exception, SystemExit)
    assert target.manifests == {}


def test_a_manifest_of_another_digest_is_refused(
    source: Registry, target: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = digest(source.manifests["library/kong", "3.9"][1])
    source.manifests["library/kong", locked] = source.manifests["qdrant/qdrant", "v1"]
    used = [UsedImage(spec(source, "library/kong", "3.9", locked))]
    monkeypatch.setattr(image_options, "used_images", lambda _: ("", used))
    done = copy(target)
    assert "another manifest, sha256:" in done.stderr
    assert target.blobs == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", ""], "a registry with a path"),
        (["--to", "https://registry.example/m"], "a registry with a path"),
        (["--to", "registry.example/m"], "on this machine"),
        (["nosuch"], "Did you mean"),
        (["redis", "--stack", "x"], "images of stack x: kong, qdrant"),
    ],
)
@pytest.mark.usefixtures("images")
def test_wrong_words_are_refused(
    source: Registry, target: Registry, words: list[str], message: str
) -> None:
    done = copy(target, *words)
    assert done.exit_code in {1, 2}
    assert message in done.stderr.replace("Use one of these", "Did you mean")
    assert source.asked == target.asked == []


@pytest.mark.usefixtures("images")
def test_without_insecure_tls_is_spoken(source: Registry, target: Registry) -> None:
    command = ["images", "copy", "kong", "--to", f"{target.host}/m"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert source.asked == target.asked == []
