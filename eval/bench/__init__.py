"""Benchmarks and fits that made the numbers in the documents."""
