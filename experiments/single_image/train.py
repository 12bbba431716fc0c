"""Trains a network for each loss, and measures what they make of the photograph."""

import pathlib

import keras

import cxloss
from cxloss.metrics import spectrum
from experiments.common import results
from experiments.common.data import crops
from experiments.common.drawing import diagrams, panels
from experiments.common.run import optimizers, resumable_training
from experiments.common.upscaling import (
  compare_spectra,
  measure,
  pairs,
  tiling,
  validation,
)
from models import srgan

_ORIGINAL = "original"
# Patches for the divergences, and directions of the Wasserstein distance.
_POINTS, _PROJECTIONS = 2048, 128


def train(settings, image, folder):
  """Trains a network for each loss, and writes what they make of the photograph.

  Args:
    settings: `Settings`.
    image: uint8 RGB, the photograph.
    folder: path of the run folder; what a killed run has left there is gone on with.

  Returns:
    List of rows, see `common.tables`.
  """
  models = {name: _model(settings, name, settings.steps) for name in settings.losses}
  pair = pairs.make_pair(image, settings.scale)
  warm = settings.warm_start_steps

  def batches(step, context):
    size = settings.crop_size, settings.scale, settings.batch_size
    return crops.training_batches([image], *size, settings.seed, step, mirror=False)

  def fit(model, phase, steps):
    epochs, every = (n // settings.log_every for n in (steps, settings.validate_every))
    held_out = [("photograph", *pair)]
    resumable_training.fit_phase(
      folder,
      resumable_training.Phase(phase, model, epochs),
      batches,
      settings.log_every,
      settings.backup_every,
      lambda: validation.Validation(folder, phase, held_out, None, every, epochs),
    )

  if warm:
    start = _model(settings, "l2", warm)
    fit(start, "warm_start", warm)
  for name, model in models.items():
    if warm:
      model.generator.set_weights(start.generator.get_weights())
    fit(model, name, settings.steps)
    resumable_training.save_model(model.generator, folder / f"generator_{name}.keras")
  networks = {"bicubic": tiling.Bicubic(settings.scale)}
  for name, model in models.items():
    networks[name] = tiling.Compiled(model.generator)
  return _report(settings, folder, *pair, networks)


def _model(settings, name, steps):
  """Returns a network of the run's first weights, to be trained on one loss."""
  if name == "cx":
    features = cxloss.PatchFeatures(settings.patch_size, settings.patch_stride)
    terms = {
      "cx": (1.0, cxloss.ContextualLoss(features, settings.bandwidth)),
      "low_frequency": (settings.lambda_lf, cxloss.LowFrequencyLoss()),
    }
  elif name == "l1":
    terms = {name: (1.0, keras.losses.MeanAbsoluteError())}
  else:
    terms = {name: (1.0, keras.losses.MeanSquaredError())}
  keras.utils.set_random_seed(settings.seed)
  generator = srgan.generator(
    settings.blocks, settings.width, settings.scale, settings.icnr
  )
  rate = optimizers.falling(settings.learning_rate, max(steps // 2, 1))
  model = srgan.SuperResolutionTrainer(generator, terms)
  model.compile(optimizers.adam(rate))
  return model


def _report(settings, folder, lr, hr, networks):
  scale = settings.scale
  enlarged = {n: tiling.upscale(net, lr, scale) for n, net in networks.items()}
  pictures = {_ORIGINAL: hr, **enlarged}
  maps = {
    name: spectrum.log_power_spectrum(picture, measure.WINDOW)
    for name, picture in {**enlarged, _ORIGINAL: hr}.items()
  }
  numbers = scale, _POINTS, _PROJECTIONS, settings.seed
  rows = [
    {
      "method": name,
      **measure.pictures(hr, picture, *numbers),
      **measure.spectra(maps[_ORIGINAL], maps[name], scale),
    }
    for name, picture in enlarged.items()
  ]
  figures = {
    "panel": panels.side_by_side(pictures, _ORIGINAL),
    "power_spectrum": diagrams.spectra(maps, _ORIGINAL, scale),
  }
  curves = {"power_spectrum": compare_spectra.radial(maps)}
  results.save_pictures(folder, pathlib.Path(settings.image).stem, pictures)
  results.write(folder, rows, curves=curves, figures=figures, step=settings.steps)
  return rows
