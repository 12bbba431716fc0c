"""Entry points that reproduce the paper's experiments."""

from experiments import quiet

quiet.import_tensorflow()
