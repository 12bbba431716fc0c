import pytest

from experiments.sr import flags as sr_flags
from experiments.sr import objective


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
  values = sr_flags.parse([*bundled, *arguments.split()])
  terms = objective.terms(sr_flags.train_settings(values).objective)
  assert list(terms) == names
