"""Training of the small model that reads, declines and checks: ``python -m eval.train``."""
