"""The registry on a real MLflow over SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from socket import socket
from urllib.parse import unquote, urlparse

import pytest
from churn_model import churn_artifact, churn_model, features
from mlflow.tracking import MlflowClient

from streaming.config import Registry as Settings
from streaming.errors import ModelError, RegistryError, Unavailable
from streaming.models.formats.skops import load
from streaming.models.registry import EXPERIMENT, ExactVersion, Registry


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
