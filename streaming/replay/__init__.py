"""Rejected events: read, grouped, and after a mend sent again to be scored.

rejected topic ─► reader ─► selection ─► groups (list, stats)
                               └─► mapping ─► trial (dry run) ─► run ─► replay topic ─► the scoring job
"""
