"""Models: what a model consists of, where it is registered, how it is trained, and what a batch is scored with."""
