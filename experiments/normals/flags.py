"""The flags of surface normals, and their values as settings."""

from absl import flags

from experiments.common import networks
from experiments.common.run import devices
from experiments.common.run import flags as run_flags
from experiments.normals import settings

_MODES = (settings.Mode, settings.EvaluateSettings, settings.PredictSettings)


def define(values=flags.FLAGS, modes=_MODES):
  """Defines the flags of a training, and of other modes, by default all."""
  run_flags.define(
    *(run_flags.RunSettings, devices.DeviceSettings, settings.TrainSettings, *modes),
    values=values,
    layers=["block1_conv2", "block2_conv2"],
    max_points=65 * 65,
  )


def parse(arguments):
  """Returns `flags.FlagValues` of a list of arguments, for the functions below."""
  return run_flags.parse(arguments, define)


def train_settings(values=flags.FLAGS):
  """Returns `TrainSettings`.

  Raises:
    UserError: for flags that do not fit each other, or leave nothing to train.
  """
  given = {} if values.lambda_cx else {"layers": {}}
  if not values.epochs:
    given["objective"] = None
  if values.initial_weights:
    given["initial_weights"] = networks.path_of(
      values.initial_weights, "--initial_weights"
    )
  rate = values.pretrain_learning_rate or values.learning_rate
  return run_flags.read(
    settings.TrainSettings, values, pretrain_learning_rate=rate, **given
  )


def evaluate_settings(values=flags.FLAGS):
  """Returns `EvaluateSettings`.

  Raises:
    UserError: if there is no network.
  """
  return run_flags.read(settings.EvaluateSettings, values, weights=_weights(values))


def predict_settings(values=flags.FLAGS):
  """Returns `PredictSettings`.

  Raises:
    UserError: if there is no network, or `--input` and `--output` do not fit.
  """
  return run_flags.read(settings.PredictSettings, values, weights=_weights(values))


def _weights(values):
  return networks.path_of(values.weights or f"{values.output_dir}/network.keras")
