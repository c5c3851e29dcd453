"""Benchmarks: s2kit beside what a user would take instead, on the same work in the same run."""
