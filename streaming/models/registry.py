"""Models in MLflow: aliases to exact versions, versions to checked bytes. For the driver; workers never see it.

A version's tags hold the checksums of the model file and the manifest, so that what stands beside the model in the artifact
store is never trusted to vouch for itself.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streaming import settings as configured
from streaming.errors import ModelError, RegistryError, ScoringError, Unavailable
from streaming.models.artifact import Artifact, checksum

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

MODEL_FILE = "model.skops"
MANIFEST_FILE = "manifest.json"
EXPERIMENT = "streaming-scoring"
SHA256_TAG = "sha256"
MANIFEST_TAG = "manifest_sha256"

# What MLflow lets through of the clients of artifact stores and databases. Found where they are loaded already, for whoever
# raises is loaded, and most installations have none of them.
_CLIENTS = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "boto3.exceptions": ("Boto3Error",),
    "azure.core.exceptions": ("AzureError",),
    "google.api_core.exceptions": ("GoogleAPIError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "sqlalchemy.exc": ("SQLAlchemyError",),
    "urllib3.exceptions": ("HTTPError",),
}

# MLflow's own patience is seven tries and two minutes each: a stream would stand still. No bars on the terminal.
_QUIET = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class ExactVersion:
    """A registered version. `sha256` is of the model file's bytes, from the version's tag."""

    name: str
    version: str
    sha256: str


class Registry:
    """The models of an MLflow tracking server or SQLite file. Safe to use from several threads."""

    def __init__(self, settings: configured.Registry) -> None:
        """settings: where the registry is; nothing is contacted or made yet."""
        self._settings = settings
        self._client: MlflowClient | None = None

    def resolve(self, name: str, alias: str) -> ExactVersion:
        """The version that an alias names now: one query, some milliseconds.

        Raises RegistryError if model or alias is not there, Unavailable if the registry does not answer.
        """
        with self._told():
            found = self._connect().get_model_version_by_alias(name, alias)
        return ExactVersion(name, str(found.version), self._tag(found.tags, name, str(found.version), SHA256_TAG))

    def fetch(self, version: ExactVersion) -> Artifact:
        """The bytes of a version, compared with the checksums in its tags before anyone reads them.

        Raises RegistryError if it is not there, Unavailable if the store does not answer, ModelError if the bytes differ.
        """
        with _scratch() as folder, self._told():
            found = self._connect().get_model_version(version.name, version.version)
            place = self._download(str(found.source), folder)
            artifact = Artifact((place / MODEL_FILE).read_bytes(), (place / MANIFEST_FILE).read_bytes())
        if checksum(artifact.manifest_bytes) != self._tag(found.tags, version.name, version.version, MANIFEST_TAG):
            raise ModelError(f"model {version.name} version {version.version}: manifest.json was changed; register the model again")
        artifact.check(version.sha256)
        return artifact

    def register(self, artifact: Artifact, *, alias: str) -> ExactVersion:
        """Log an artifact as an MLflow model with signature, register it as a new version, and point the alias at it.

        The alias moves last, when everything else is in place. Raises RegistryError or Unavailable.
        """
        from streaming.models.mlflow_folder import write_folder  # imports scikit-learn, which resolving does without

        manifest = artifact.manifest
        tags = {
            SHA256_TAG: manifest.sha256,
            MANIFEST_TAG: checksum(artifact.manifest_bytes),
            "schema": f"{manifest.event}/v{manifest.schema_version}",
        }
        with _scratch() as folder, self._told():
            client = self._connect(create=True)
            write_folder(artifact, Path(folder))
            run = client.create_run(self._experiment(client), run_name=manifest.name)
            for metric, value in manifest.metrics.items():
                client.log_metric(run.info.run_id, metric, value)
            client.log_artifacts(run.info.run_id, folder, "model")
            client.set_terminated(run.info.run_id)
            if not client.search_registered_models(f"name = '{manifest.name}'"):
                client.create_registered_model(manifest.name)
            version = client.create_model_version(manifest.name, f"{run.info.artifact_uri}/model", run.info.run_id, tags=tags)
            client.set_registered_model_alias(manifest.name, alias, str(version.version))
        return ExactVersion(manifest.name, str(version.version), manifest.sha256)

    def _connect(self, *, create: bool = False) -> MlflowClient:
        if self._client is None:
            self._check_file(create=create)
            os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
            for name in ("alembic", "mlflow"):
                logging.getLogger(name).setLevel(logging.ERROR)
            from mlflow.tracking import MlflowClient  # two seconds, and only where a registry is used

            self._client = MlflowClient(self._settings.tracking_uri, registry_uri=self._settings.tracking_uri)
        return self._client

    def _check_file(self, *, create: bool) -> None:
        """MLflow makes an empty SQLite file where there is none; say instead that nothing was registered."""
        if not self._settings.tracking_uri.startswith("sqlite:///"):
            return
        file = Path(self._settings.tracking_uri.removeprefix("sqlite:///"))
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
        elif not file.exists():
            raise RegistryError(
                f"registry {_shown(self._settings.tracking_uri)}: the file is not there; register a model by `scoring train`"
            )

    def _experiment(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        root = self._settings.artifact_root
        return str(client.create_experiment(EXPERIMENT, artifact_location=root.as_uri() if root else None))

    def _download(self, source: str, folder: str) -> Path:
        from mlflow.artifacts import download_artifacts

        return Path(download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=self._settings.tracking_uri))

    def _tag(self, tags: dict[str, str], name: str, version: str, tag: str) -> str:
        if tag not in tags:
            raise RegistryError(
                f"model {name} version {version} in {_shown(self._settings.tracking_uri)} has no tag {tag}; register it by this service"
            )
        return tags[tag]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what MLflow and its store raise into one line.

        Only what is certainly not there is a RegistryError, for it makes a batch give up its plan; all else may come back.
        """
        from mlflow.exceptions import MlflowException

        uri = _shown(self._settings.tracking_uri)
        try:
            yield
        except MlflowException as error:
            raise _translated(error, uri) from error
        except OSError as error:
            if _is_gone(error):
                raise RegistryError(f"registry {uri}: {_line(error)}; see its artifacts") from error
            raise Unavailable(f"registry {uri}: its artifacts cannot be read just now: {_line(error)}; see their store") from error
        except ImportError as error:
            raise RegistryError(f"registry {uri}: its artifacts need a client that is not installed: {_line(error)}; install it") from error
        except _client_errors() as error:
            raise Unavailable(f"registry {uri}: its store does not answer: {_line(error)}; see that it is up") from error


def _translated(error: MlflowException, uri: str) -> ScoringError:
    """The error of ours for one of MLflow's."""
    line = _line(error)
    if error.error_code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"):
        return Unavailable(f"registry {uri} does not answer: {line}; see that it is up")
    return RegistryError(f"registry {uri}: {line}; register the model by `scoring train`, or mend model and alias in the deployment")


def _line(error: BaseException) -> str:
    return _shown(" ".join(str(error).split()))[:200] or type(error).__name__


def _shown(text: str) -> str:
    """Without the name and password that an address in it may hold."""
    return re.sub(r"://[^/@\s]*@", "://", text)


def _is_gone(error: OSError) -> bool:
    """A file that is not there: by the file system, or by the answer of a server to requests."""
    return isinstance(error, FileNotFoundError) or getattr(getattr(error, "response", None), "status_code", None) in (404, 410)


def _client_errors() -> tuple[type[BaseException], ...]:
    """The roots of the errors of the clients that this process has loaded, and ValueError for an answer that they cannot read."""
    loaded = ((sys.modules[module], names) for module, names in _CLIENTS.items() if module in sys.modules)
    return (ValueError, *(getattr(module, name) for module, names in loaded for name in names))


@contextmanager
def _scratch() -> Iterator[str]:
    """A temporary folder; Unavailable if this machine has no room for one, which says nothing about the model."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="scoring-model-", ignore_cleanup_errors=True)
    except OSError as error:
        raise Unavailable(f"no temporary folder for a model: {_line(error)}; make room, or set TMPDIR to a folder that has some") from error
    with folder as name:
        yield name
