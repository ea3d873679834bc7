"""HBase as the operational store: sink.py is the store, the others what it is made of. See docs/hbase.md."""
