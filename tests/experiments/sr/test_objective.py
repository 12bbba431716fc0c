import pytest

from experiments.sr import objective
from experiments.sr.__main__ import COMMANDS
from tests.experiments import in_process


@pytest.mark.parametrize(
  ("arguments", "names"),
  [
    ("--lambda_cx=0", ["low_frequency"]),
    ("--lambda_cx=0 --lambda_lf=0 --lambda_mse=2", ["mse"]),
    (
      "--lambda_mse=1 --lambda_lf=0 --layers=block1_conv2 --lambda_texture=1 "
      "--texture_layers=block1_conv1",
      ["mse", "contextual", "texture"],
    ),
  ],
)
def test_terms_are_those_with_a_weight(arguments, names):
  bundled = ["--backbone=vgg16", "--backbone_weights=bundled"]
  settings = in_process.settings(COMMANDS, *bundled, *arguments.split())
  terms = objective.terms(settings.objective, seed=0)
  assert list(terms) == names
