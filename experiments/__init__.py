"""Entry points that reproduce the paper's experiments."""

from experiments.common.run import startup

startup.install()
