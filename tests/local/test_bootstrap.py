from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streaming.local import bootstrap

SCRIPT = Path(bootstrap.__file__)


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_an_unsupported_python_is_told_in_one_line(version: tuple[int, int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bootstrap.check_python(version)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "3.11 to 3.13" in said


def test_this_python_will_do() -> None:
    bootstrap.check_python(sys.version_info[:2])


def test_too_little_space_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.check_space(tmp_path, needed_bytes=1)
    with pytest.raises(SystemExit) as ended:
        bootstrap.check_space(tmp_path, needed_bytes=10**18)
    assert ended.value.code == 1
    assert "make room" in capsys.readouterr().err


def test_the_fingerprint_follows_the_pins_and_the_extras(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("a")
    (tmp_path / "constraints.txt").write_text("b==1")
    before = bootstrap.fingerprint(["local"], tmp_path)
    assert before == bootstrap.fingerprint(["local"], tmp_path)
    assert before != bootstrap.fingerprint(["local", "dev"], tmp_path)
    (tmp_path / "constraints.txt").write_text("b==2")
    assert before != bootstrap.fingerprint(["local"], tmp_path)


def test_it_runs_on_a_bare_python() -> None:
    """Nothing but the standard library is imported, and without site-packages."""
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='probe')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_a_python_without_the_venv_module_is_told_what_to_install() -> None:
    hide = "import importlib.util, runpy; importlib.util.find_spec = lambda name: None"
    code = f"{hide}; runpy.run_path({str(SCRIPT)!r})['check_python']((3, 12))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "apt-get install python3.12-venv" in done.stderr
    assert done.stderr.count("\n") == 1
