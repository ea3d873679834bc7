"""What the demo shows while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streaming.errors import ScoringError
from streaming.local.demo import PHASES, Result, Watch
from streaming.local.reconcile import Reconciliation
from streaming.report.frame import frame_of
from streaming.report.page import render
from streaming.report.reader import open_reader
from streaming.settings import Settings

REFRESH_S = 0.5


class Screen(Watch):
    """The demo's progress: a line a phase; on a terminal a live page with a progress bar, else a line for each tenth sent."""

    def __init__(self, console: Console, events: int, *, live: bool) -> None:
        super().__init__()
        self._console, self._events = console, events
        columns = (TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeRemainingColumn(compact=True))
        self._progress = Progress(*columns, console=console, expand=True, auto_refresh=False)
        self._task = self._progress.add_task("sent", total=events)
        self._live = live and console.is_terminal
        self._page: Thread | None = None
        self._over = Event()
        self._settings: Settings | None = None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and tell of it; the page ends with the phase `drift`."""
        with super().phase(name):
            yield
        if name == "drift":
            self._last_page()
        self._console.print(f"[green]✓[/] {PHASES[name]} [dim]{self.seconds[name]:.1f} s[/]")

    def running(self, settings: Settings) -> None:
        """Show the page from here on."""
        self._settings = settings
        if self._live:
            self._page = Thread(target=self._follow, args=(settings,), name="page")
            self._page.start()

    def sent(self, n: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=n)
        if not self._live and n * 10 // self._events > (n - 1) * 10 // self._events:
            self._console.print(f"  sent {n:,} of {self._events:,}")

    def __enter__(self) -> Self:
        """The screen itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the page."""
        self._end_page()

    def stopping(self) -> None:
        """The servers are about to stop: the page must not ask them any more."""
        self._end_page()

    def _follow(self, settings: Settings) -> None:
        """Draw the page again and again. Without the brokers there is no page, which is no reason to end the demo."""
        with suppress(ScoringError), open_reader(settings) as reader, Live(console=self._console, auto_refresh=False) as live:
            while not self._over.is_set():
                reader.poll(REFRESH_S)
                live.update(render(frame_of(reader, settings), self._progress), refresh=True)
                self._over.wait(REFRESH_S)

    def _end_page(self) -> None:
        self._over.set()
        if self._page is not None:
            self._page.join()
            self._page = None

    def _last_page(self) -> None:
        """Where no live page was shown, what it would have shown last."""
        self._end_page()
        if not self._live and self._settings is not None:
            with open_reader(self._settings) as reader:
                reader.catch_up()
                self._console.print(render(frame_of(reader, self._settings)))


def show(console: Console, result: Result, seconds: dict[str, float]) -> None:
    """The end of the demo: what took how long, the reconciliation, the alerts, and what to do next."""
    console.print()
    console.print(_phases(seconds))
    console.print(_reconciliation(result.reconciliation))
    console.print(_reasons(result.reconciliation))
    latency = ", ".join(f"{name} {ms:,.0f} ms" for name, ms in result.speed.latency_ms.items())
    console.print(f"Latency from the producer's timestamp to the row committed in PostgreSQL: {latency}")
    before, after = (", ".join(names) or "none" for names in (result.drift.before, result.drift.after))
    windows = result.drift.windows_before
    console.print(f"Drift alerts before the shift: {before} (in {windows} windows); after it: {after}")
    console.print(f"Report: {result.report}", soft_wrap=True)
    verdict = (
        "[bold green]Every acknowledged event has exactly one outcome.[/]"
        if result.holds
        else "[bold red]The demo's checks do not hold.[/]"
    )
    console.print(verdict)
    console.print(
        "Next: `scoring up` starts the services again over the same data, `scoring run score-events` a job, `scoring top` watches."
    )


def _phases(seconds: dict[str, float]) -> Table:
    table = Table("phase", title="What took how long", title_justify="left")
    table.add_column("s", justify="right")
    for name, duration in seconds.items():
        table.add_row(PHASES[name], f"{duration:.1f}")
    table.add_section()
    table.add_row("all", f"{sum(seconds.values()):.1f}")
    return table


def _reconciliation(found: Reconciliation) -> Table:
    table = Table("the producer's ledger against store and rejected topic", title="Reconciliation", title_justify="left")
    table.add_column("events", justify="right")
    for name in ("acknowledged", "predicted", "rejected", "repeated"):
        table.add_row(name, f"{getattr(found, name):,}")
    table.add_section()
    for name, ids in found.differences.items():
        table.add_row(name, f"[bold red]{len(ids):,}[/]" if ids else "0")
    return table


def _reasons(found: Reconciliation) -> Table:
    table = Table("reason", title="Rejected", title_justify="left")
    table.add_column("events", justify="right")
    for reason, n in found.rejected_by_reason.items():
        table.add_row(reason, f"{n:,}")
    return table
