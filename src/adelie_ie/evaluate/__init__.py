"""Evaluation: predictions, metrics over rows, and the report."""
