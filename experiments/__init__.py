"""Entry points that reproduce the paper's experiments."""

from experiments.common.run import startup

startup.check_packages()
startup.import_tensorflow()
