"""What people look at: the HTML report and the terminal page, both told from the metrics and alerts topics alone.

topics ─► reader ─► story ─┬─► html   (one file, opens without a network)
                           └─► page   (a live terminal page, with frame: lag and customers at risk)
"""
