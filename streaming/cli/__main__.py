"""`python -m streaming.cli`: the command `scoring`."""

from __future__ import annotations

from streaming.cli import main

main()
