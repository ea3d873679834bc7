"""The metric store in PostgreSQL: what the metrics topic says, as time series that roll up from minutes to days."""
