"""The registry on a real MLflow over SQLite."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread
from urllib.parse import unquote, urlparse

import pytest
from churn_model import churn_artifact, churn_model, features
from mlflow.tracking import MlflowClient

from streaming.errors import ModelError, RegistryError, Unavailable
from streaming.models.formats.skops import load
from streaming.models.registry import EXPERIMENT, ExactVersion, Registry
from streaming.settings import Registry as Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("registry with space")
    return Settings(tracking_uri=f"sqlite:///{folder}/sub/mlflow.db", artifact_root=folder / "artifacts")


@pytest.fixture(scope="module")
def version(settings: Settings) -> ExactVersion:
    return Registry(settings).register(churn_artifact(), alias="champion")


@pytest.fixture
def folder(settings: Settings, version: ExactVersion) -> Iterator[Path]:
    """The version's artifact folder; what a test changes in it is put back."""
    client = MlflowClient(settings.tracking_uri)
    path = Path(unquote(urlparse(str(client.get_model_version(version.name, version.version).source)).path))
    before = {file: file.read_bytes() for file in path.iterdir()}
    yield path
    for file, content in before.items():
        file.write_bytes(content)


def test_a_registered_model_is_resolved_fetched_and_loaded(settings: Settings, version: ExactVersion) -> None:
    registry = Registry(settings)

    assert registry.resolve("churn", "champion") == version == ExactVersion("churn", version.version, churn_artifact().manifest.sha256)
    assert registry.fetch(version) == churn_artifact()
    assert load(registry.fetch(version), version.sha256).features == churn_model().features


def test_the_alias_moves_to_a_newer_version_and_the_older_one_stays(settings: Settings, version: ExactVersion) -> None:
    registry = Registry(settings)
    newer = registry.register(churn_artifact(), alias="challenger")

    assert int(newer.version) > int(version.version)
    assert registry.resolve("churn", "challenger") == newer
    assert registry.resolve("churn", "champion") == version
    assert registry.fetch(version) == churn_artifact()


@pytest.mark.parametrize(("file", "complaint"), [("model.skops", "the file was changed"), ("manifest.json", "manifest.json was changed")])
def test_a_changed_file_is_refused(settings: Settings, version: ExactVersion, folder: Path, file: str, complaint: str) -> None:
    (folder / file).write_bytes((folder / file).read_bytes() + b" ")

    with pytest.raises(ModelError, match=complaint):
        Registry(settings).fetch(version)


def test_a_lost_file_is_told(settings: Settings, version: ExactVersion, folder: Path) -> None:
    (folder / "model.skops").unlink()

    with pytest.raises(RegistryError, match="see its artifacts"):
        Registry(settings).fetch(version)


def test_a_lost_folder_is_told(settings: Settings, version: ExactVersion, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    try:
        with pytest.raises(RegistryError, match="failures occurred while downloading"):
            Registry(settings).fetch(version)
    finally:
        folder.with_name("away").rename(folder)


@pytest.mark.parametrize("broken", ["a folder", "a loop of links"])
def test_a_file_that_cannot_be_read_just_now_is_waited_for(settings: Settings, version: ExactVersion, folder: Path, broken: str) -> None:
    """Only what is not there may make a batch give up the version that it planned with; a store that stumbles comes back."""
    file = folder / "model.skops"
    file.unlink()
    if broken == "a folder":
        file.mkdir()
    else:
        file.symlink_to(file)
    try:
        with pytest.raises(Unavailable, match="cannot be read just now") as raised:
            Registry(settings).fetch(version)
    finally:
        file.rmdir() if file.is_dir() else file.unlink()
    assert "\n" not in str(raised.value)


def test_a_machine_without_room_for_a_copy_says_nothing_about_the_model(
    settings: Settings, version: ExactVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    monkeypatch.setattr(tempfile, "tempdir", str(gone))
    with pytest.raises(Unavailable, match="make room, or set TMPDIR"):
        Registry(settings).fetch(version)


class ArtifactServer(BaseHTTPRequestHandler):
    """A store of artifacts over HTTP that only says `status`."""

    status = 503

    def do_GET(self) -> None:
        self.send_error(self.status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Stay silent."""


@pytest.mark.parametrize(("status", "raised"), [(403, Unavailable), (404, RegistryError)])
def test_a_store_over_http_that_refuses_is_waited_for_and_one_that_has_not_the_files_is_told(
    settings: Settings, version: ExactVersion, tmp_path: Path, status: int, raised: type[Exception]
) -> None:
    answers = type("Answers", (ArtifactServer,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        moved = Registry(
            moved_to(f"http://127.0.0.1:{server.server_address[1]}/api/2.0/mlflow-artifacts/artifacts/model", settings, version, tmp_path)
        )
        with pytest.raises(raised):
            moved.fetch(version)
        server.shutdown()


def moved_to(source: str, settings: Settings, version: ExactVersion, folder: Path) -> Settings:
    """A copy of the registry in which the version's artifacts lie elsewhere."""
    shutil.copy(settings.tracking_uri.removeprefix("sqlite:///"), folder / "mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute("UPDATE model_versions SET source = ?, storage_location = ?", (source, source))
    return Settings(tracking_uri=f"sqlite:///{folder}/mlflow.db")


def test_a_store_whose_client_is_not_installed_is_told(settings: Settings, version: ExactVersion, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"not installed.*google"):
        Registry(moved_to("gs://bucket/model", settings, version, tmp_path)).fetch(version)


def test_what_a_client_of_the_store_raises_is_waited_for(settings: Settings, version: ExactVersion, tmp_path: Path) -> None:
    """MLflow registers a store's client by its scheme; this one raises an error of the family of Google's, none of MLflow's."""
    from google.auth.exceptions import TransportError
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry

    def connect(*_: object, **__: object) -> None:
        raise TransportError("no route")

    _artifact_repository_registry.register("stumbling", connect)
    with pytest.raises(Unavailable, match="does not answer: no route"):
        Registry(moved_to("stumbling://bucket/model", settings, version, tmp_path)).fetch(version)


@pytest.mark.parametrize(("name", "alias"), [("churn", "nobody"), ("nothing", "champion")])
def test_an_unknown_name_is_told_in_one_line(settings: Settings, version: ExactVersion, name: str, alias: str) -> None:
    with pytest.raises(RegistryError, match="register the model by `scoring train`") as raised:
        Registry(settings).resolve(name, alias)
    assert "\n" not in str(raised.value)


def test_a_registry_that_was_never_made_is_told_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"

    with pytest.raises(RegistryError, match="the file is not there"):
        Registry(Settings(tracking_uri=f"sqlite:///{file}")).resolve("churn", "champion")
    assert not file.exists()


def test_a_server_that_is_away_is_unavailable() -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken and not listened on, so that a connection is refused
        registry = Registry(Settings(tracking_uri=f"http://127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(Unavailable, match="does not answer"):
            registry.resolve("churn", "champion")


def test_a_version_without_checksum_is_refused(settings: Settings, version: ExactVersion) -> None:
    client = MlflowClient(settings.tracking_uri)
    foreign = client.create_registered_model("foreign")
    made = client.create_model_version("foreign", "file:///nowhere")
    client.set_registered_model_alias(foreign.name, "champion", str(made.version))

    with pytest.raises(RegistryError, match="has no tag sha256"):
        Registry(settings).resolve("foreign", "champion")


def test_mlflow_itself_can_load_what_was_registered(settings: Settings, version: ExactVersion, folder: Path) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model

    from streaming.models.formats.skops import feature_frame

    frame = feature_frame(features(20), churn_model().manifest.features)
    scores = mlflow.pyfunc.load_model(str(folder)).predict(frame)[:, 1]
    signature = Model.load(str(folder)).signature

    assert scores.tolist() == churn_model().predict(features(20)).tolist()
    assert signature is not None and signature.inputs.input_names() == churn_model().features
    assert MlflowClient(settings.tracking_uri).get_experiment_by_name(EXPERIMENT) is not None
