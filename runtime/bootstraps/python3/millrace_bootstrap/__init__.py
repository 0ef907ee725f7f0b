"""The parts of bootstrap.py. A package, so that no function's module has the same name."""
