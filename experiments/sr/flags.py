"""The flags of super-resolution, and their values as settings.

Defaults depend on `--model`; reading the settings puts them into the flags, so that a
run folder records what was run.
"""

from absl import flags

from experiments.common import networks
from experiments.common.run import devices
from experiments.common.run import flags as run_flags
from experiments.sr import settings

# Defaults of models that differ from those of srgan.
_DEFAULTS = {
  "srgan": {},
  "lapsrn": {
    "blocks": 10,
    "crop_size": 128,
    "batch_size": 64,
    "epochs": 100,
    "pretrain_epochs": 0,
    "learning_rate": 1e-5,
    "optimizer": "sgd",
  },
  "enhancenet": {
    "blocks": 10,
    "discriminator_width": 32,
    "crop_size": 128,
    "lambda_cx": 0.0,
    "lambda_lf": 0.0,
    "lambda_gan": 2.0,
    "lambda_vgg": 1.0,
    "vgg_layers": ["block2_pool:0.2", "block5_pool:0.02"],
    "vgg_normalize": True,
    "lambda_texture": 1.0,
  },
}
# Layers are not read where their term has no weight.
_LAYERS = {
  "lambda_cx": "layers",
  "lambda_vgg": "vgg_layers",
  "lambda_texture": "texture_layers",
}
_MODES = (
  settings.Mode,
  settings.EvaluateSettings,
  settings.UpscaleSettings,
  settings.ExportSettings,
)


def define(values=flags.FLAGS):
  """Defines the flags."""
  run_flags.define(
    *(run_flags.RunSettings, devices.DeviceSettings, settings.TrainSettings, *_MODES),
    values=values,
  )


def parse(arguments):
  """Returns `flags.FlagValues` of a list of arguments, for the functions below."""
  return run_flags.parse(arguments, define)


def train_settings(values=flags.FLAGS):
  """Returns `TrainSettings`.

  Raises:
    UserError: for flags that do not fit each other, or leave nothing to train.
  """
  for name, default in _DEFAULTS[values.model].items():
    values.set_default(name, default)
  given = {layers: {} for weight, layers in _LAYERS.items() if not values[weight].value}
  if values.model == "lapsrn":
    given["pretrain_epochs"] = 0
  if values.model == "lapsrn" or not values.epochs:
    given["objective"] = None
  if values.initial_weights:
    given["initial_weights"] = networks.path_of(
      values.initial_weights, "--initial_weights"
    )
  return run_flags.read(settings.TrainSettings, values, **given)


def idle(values=flags.FLAGS):
  """Yields sets of flags that a training does not read, and the flag that is why."""
  model = f"--model={values.model}"
  if values.model == "lapsrn":
    other = {"discriminator_width", "discriminator_learning_rate", "pretrain_epochs"}
    yield other | set(run_flags.names(settings.ObjectiveSettings)), model
  else:
    yield {"optimizer"}, model
  if values.model != "srgan":
    yield {"icnr"}, model
  if values.initial_weights:
    yield {"blocks", "width", "icnr"}, "--initial_weights"


def evaluate_settings(values=flags.FLAGS):
  """Returns `EvaluateSettings`."""
  # Beside other methods, no network is used unless it is named.
  alone = values.method and not values.weights
  weights = None if alone else _weights(values)
  return run_flags.read(settings.EvaluateSettings, values, weights=weights)


def upscale_settings(values=flags.FLAGS):
  """Returns `UpscaleSettings`.

  Raises:
    UserError: if there is no network, or `--input` and `--output` do not fit.
  """
  return run_flags.read(settings.UpscaleSettings, values, weights=_weights(values))


def export_settings(values=flags.FLAGS):
  """Returns `ExportSettings`.

  Raises:
    UserError: if there is no network, or `--output` and `--format` do not fit.
  """
  return run_flags.read(settings.ExportSettings, values, weights=_weights(values))


def _weights(values):
  return networks.path_of(values.weights or f"{values.output_dir}/generator.keras")
