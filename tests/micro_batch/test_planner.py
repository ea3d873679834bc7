"""Which version scores: followed on a real MLflow registry, never at the stream's expense."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlparse

import msgspec
import pytest
from churn_model import churn_artifact
from mlflow.tracking import MlflowClient
from structlog.testing import capture_logs

from streaming.contracts.schema import Contract, load_contract
from streaming.errors import ModelError, RegistryError, Unavailable
from streaming.micro_batch.planner import ModelWatch, Ready
from streaming.models.artifact import Artifact, Feature, Manifest, encode_manifest
from streaming.models.deployment import Deployment, Served
from streaming.models.plan import PlannedModel
from streaming.models.registry import ExactVersion, Registry
from streaming.settings import Registry as Settings

DEPLOYMENT = Deployment(name="churn_risk", event="customer_activity", schema_version=1, champion=Served(model="churn"))


@cache
def contract() -> Contract:
    return load_contract(Path(__file__).parents[2] / "schemas" / "customer_activity" / "v1.json")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one version; made once, for MLflow takes its time to make the tables."""
    folder = tmp_path_factory.mktemp("template")
    Registry(settings_of(folder)).register(churn_artifact(), alias="champion")
    return folder


def settings_of(folder: Path) -> Settings:
    return Settings(tracking_uri=f"sqlite:///{folder}/mlflow.db", artifact_root=folder / "artifacts")


class Registered:
    """A registry of a test's own, on a copy of the tables; the artifacts of its first version are the template's."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.file = folder / "mlflow.db"
        shutil.copy(template / "mlflow.db", self.file)
        self.settings = settings_of(folder)
        self._client = MlflowClient(self.settings.tracking_uri)
        self.watch = ModelWatch(Registry(self.settings), DEPLOYMENT, contract(), refresh_s=0.05)

    def register(self, artifact: Artifact) -> ExactVersion:
        return Registry(self.settings).register(artifact, alias="champion")

    def point(self, version: str) -> None:
        self._client.set_registered_model_alias("churn", "champion", version)

    def artifact_folder(self, version: str) -> Path:
        return Path(unquote(urlparse(str(self._client.get_model_version("churn", version).source)).path))

    @property
    def serving(self) -> str:
        return self.watch.current.planned.version


@pytest.fixture
def registered(tmp_path: Path, template: Path) -> Registered:
    return Registered(tmp_path, template)


def with_manifest(change: Callable[[Manifest], Manifest]) -> Artifact:
    """The churn model's bytes with another manifest."""
    return Artifact(churn_artifact().model_bytes, encode_manifest(change(churn_artifact().manifest)))


def wrong_scores(manifest: Manifest) -> Manifest:
    rows = [msgspec.structs.replace(row, score=row.score / 2) for row in manifest.reference_rows]
    return msgspec.structs.replace(manifest, reference_rows=rows)


def too_few_features(manifest: Manifest) -> Manifest:
    rows = [msgspec.structs.replace(row, values=row.values[1:]) for row in manifest.reference_rows]
    return msgspec.structs.replace(manifest, reference_rows=rows, features=manifest.features[1:])


def unknown_class(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(manifest, positive_class="Maybe")


def another_field(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(manifest, features=[Feature("shoe_size", "numeric"), *manifest.features[1:]])


def events(logs: Sequence[Mapping[str, object]]) -> list[object]:
    return [entry["event"] for entry in logs]


def test_the_champion_is_ready_from_the_start(registered: Registered) -> None:
    assert registered.watch.current.planned == PlannedModel("champion", "champion", "churn", "1", churn_artifact().manifest.sha256)
    assert registered.watch.current.artifact == churn_artifact()


def test_an_alias_that_moved_makes_the_new_version_ready_and_back_again(registered: Registered) -> None:
    newer = registered.register(with_manifest(lambda m: msgspec.structs.replace(m, trained_at="2030-01-01T00:00:00Z")))
    assert registered.serving == "1"
    with capture_logs() as logs:
        registered.watch.refresh()
    assert (registered.serving, newer.version) == ("2", "2")
    assert registered.watch.current.artifact.manifest.trained_at == "2030-01-01T00:00:00Z"
    assert events(logs) == ["version_ready"]
    registered.point("1")
    registered.watch.refresh()
    assert registered.serving == "1"


def test_an_alias_that_stays_prepares_nothing(registered: Registered) -> None:
    before = registered.watch.current
    with capture_logs() as logs:
        registered.watch.refresh()
    assert registered.watch.current is before
    assert logs == []


@pytest.mark.parametrize("change", [wrong_scores, too_few_features, unknown_class, another_field])
def test_a_broken_version_is_refused_once_and_the_old_one_goes_on(registered: Registered, change: Callable[[Manifest], Manifest]) -> None:
    registered.register(with_manifest(change))
    with capture_logs() as logs:
        registered.watch.refresh()
        registered.watch.refresh()
    assert registered.serving == "1"
    assert events(logs) == ["version_refused"]
    assert (logs[0]["version"], logs[0]["log_level"]) == ("2", "error")


def test_a_mended_version_takes_over_although_its_bytes_were_refused(registered: Registered) -> None:
    registered.register(with_manifest(wrong_scores))
    registered.watch.refresh()
    registered.register(churn_artifact())
    registered.watch.refresh()
    assert registered.serving == "3"


def test_a_version_whose_files_are_away_is_tried_again(registered: Registered) -> None:
    newer = registered.register(with_manifest(lambda m: msgspec.structs.replace(m, trained_at="2030-01-01T00:00:00Z")))
    folder = registered.artifact_folder(newer.version)
    folder.rename(folder.with_name("away"))
    with capture_logs() as logs:
        registered.watch.refresh()
    assert (registered.serving, events(logs)) == ("1", ["version_away"])
    folder.with_name("away").rename(folder)
    registered.watch.refresh()
    assert registered.serving == "2"


def test_a_registry_that_breaks_changes_nothing(registered: Registered) -> None:
    registered.register(churn_artifact())
    content = registered.file.read_bytes()
    registered.file.write_bytes(b"no database" * 1000)
    with capture_logs() as logs:
        registered.watch.refresh()
    assert (registered.serving, events(logs)) == ("1", ["registry_away"])
    registered.file.write_bytes(content)
    registered.watch.refresh()
    assert registered.serving == "2"


def test_a_registry_file_that_is_deleted_changes_nothing(registered: Registered) -> None:
    registered.file.unlink()
    with capture_logs():
        registered.watch.refresh()
    assert registered.serving == "1"


def test_an_alias_that_was_removed_changes_nothing(registered: Registered) -> None:
    MlflowClient(registered.settings.tracking_uri).delete_registered_model_alias("churn", "champion")
    with capture_logs() as logs:
        registered.watch.refresh()
    assert (registered.serving, events(logs)) == ("1", ["registry_away"])


def test_an_earlier_plans_version_is_at_hand_after_the_alias_moved(registered: Registered) -> None:
    old = registered.watch.current.planned
    registered.register(churn_artifact())
    registered.watch.refresh()
    assert registered.watch.ready_for(registered.watch.current.planned) is registered.watch.current
    ready = registered.watch.ready_for(old)
    assert (ready.planned, ready.artifact) == (old, churn_artifact())
    assert registered.serving == "2", "looking at an old version does not make it serve"


def test_a_planned_version_that_is_not_there_or_has_other_bytes_is_told(registered: Registered) -> None:
    old = registered.watch.current.planned
    with pytest.raises(RegistryError):
        registered.watch.ready_for(msgspec.structs.replace(old, version="99"))
    with pytest.raises(ModelError):
        registered.watch.ready_for(msgspec.structs.replace(old, sha256="f" * 64))


def test_a_job_does_not_start_without_a_champion(tmp_path: Path, template: Path) -> None:
    nobody = DEPLOYMENT.model_copy(update={"champion": Served(model="churn", alias="nobody")})
    with pytest.raises(RegistryError, match="scoring train"):
        ModelWatch(Registry(settings_of(template)), nobody, contract(), refresh_s=1)


class Stumbling(Registry):
    """A registry whose next look-ups raise what they are told to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.next_errors: list[BaseException] = []
        self.raised = threading.Semaphore(0)

    def resolve(self, name: str, alias: str) -> ExactVersion:
        if self.next_errors:
            self.raised.release()
            raise self.next_errors.pop(0)
        return super().resolve(name, alias)


class OfNoFamily(Exception):
    """An error as some libraries define theirs: right under Exception."""


@pytest.fixture
def stumbling(registered: Registered) -> Stumbling:
    return Stumbling(registered.settings)


def test_the_watch_outlives_what_nobody_foresaw(registered: Registered, stumbling: Stumbling) -> None:
    watch = ModelWatch(stumbling, DEPLOYMENT, contract(), refresh_s=0.01)
    changed = threading.Event()
    watch.announce = lambda ready: changed.set()
    assert not watch.alive()
    stumbling.next_errors = [RuntimeError("a"), AttributeError("b"), OSError("c"), KeyError("d")]
    with capture_logs() as logs:
        watch.start()
        registered.register(churn_artifact())
        assert changed.wait(60)
    assert watch.alive()
    assert events(logs)[:4] == ["model_watch_failed"] * 4
    assert all(entry["exc_info"] and entry["log_level"] == "error" for entry in logs[:4])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_that_ended_says_so(registered: Registered, stumbling: Stumbling) -> None:
    watch = ModelWatch(stumbling, DEPLOYMENT, contract(), refresh_s=0.01)
    stumbling.next_errors = [OfNoFamily("e")]
    watch.start()
    assert stumbling.raised.acquire(timeout=60)
    while watch.alive():
        pass
    assert watch.current.planned.version == "1", "what serves goes on serving"


def test_a_version_is_announced_before_it_serves(registered: Registered) -> None:
    announced: list[tuple[str, str]] = []

    def announce(ready: Ready) -> None:
        announced.append((ready.planned.version, watch.current.planned.version))

    watch = ModelWatch(Registry(registered.settings), DEPLOYMENT, contract(), refresh_s=1, announce=announce)
    watch.refresh()
    assert announced == [], "the first version serves from the start"
    registered.register(churn_artifact())
    watch.refresh()
    watch.refresh()
    assert (announced, watch.current.planned.version) == ([("2", "1")], "2")


def test_a_version_that_is_refused_is_not_announced(registered: Registered) -> None:
    announced: list[Ready] = []
    registered.watch.announce = announced.append
    registered.register(with_manifest(wrong_scores))
    with capture_logs():
        registered.watch.refresh()
    assert announced == []


def test_an_announcement_that_fails_does_not_stop_the_version(registered: Registered) -> None:
    def announce(_: Ready) -> None:
        raise Unavailable("no worker answers")

    registered.watch.announce = announce
    registered.register(churn_artifact())
    with capture_logs() as logs:
        registered.watch.refresh()
    assert registered.serving == "2"
    assert events(logs) == ["version_not_announced", "version_ready"]
    assert logs[0]["error"] == "no worker answers"
