"""docs/benchmark.md: a module for each of its tables, the jobs behind them, and the page."""
