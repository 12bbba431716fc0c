"""A Keras callback that validates a generator on held-out photographs."""

import contextlib

import numpy as np
import tensorflow as tf

from experiments.common.data import crops
from experiments.common.drawing import panels
from experiments.common.run import logs
from experiments.common.upscaling import measure, tiling

_PANELS = 3


class Validation(logs.Periodic):
  """Logs PSNR, SSIM and panels of held-out photographs, and D's logits.

  Adds `val_psnr_y` and `val_ssim_y` to the epoch's logs. If the model keeps an average
  of the generator's weights, that is what is validated.

  Args:
    folder, phase, every, epochs: see `Periodic`.
    pairs: list of `(name, lr, hr)`, uint8.
    batch: a fixed training batch `(lr, hr)` for the histograms of logits.
  """

  def __init__(self, folder, phase, pairs, batch, every, epochs):
    super().__init__(folder, phase, every, epochs)
    self._pairs = pairs
    self._batch = batch
    self._network = None

  def on_train_begin(self, logs=None):
    if self._network is None:
      self._network = tiling.Compiled(self.model.generator)

  def validate(self, logs):
    average = self.model.average
    with average.inside(self.model.generator) if average else contextlib.nullcontext():
      self._validate(logs)

  def _validate(self, logs):
    rows = []
    for i, (name, lr, hr) in enumerate(self._pairs):
      scale = hr.shape[0] // lr.shape[0]
      picture = tiling.upscale(self._network, lr, scale)
      rows.append(measure.fidelity(hr, picture, shave=scale))
      if i < _PANELS:
        panel = panels.comparison(lr, picture, hr, name=self._phase)
        tf.summary.image(f"validation/{name}", panel[None])
    for key in rows[0]:
      logs[f"val_{key}"] = float(np.mean([row[key] for row in rows]))
    if getattr(self.model, "discriminator", None) is not None:
      lr, hr = self._batch
      sr = self.model.generator(lr, training=False)
      for kind, images in (("real", hr), ("fake", sr)):
        logits = _training_logits(self.model.discriminator, images)
        tf.summary.histogram(f"discriminator_logits/{kind}", logits)


def _training_logits(discriminator, images):
  """Computes logits as in training, and restores the statistics that this updates."""
  variables = discriminator.non_trainable_variables
  before = [variable.numpy() for variable in variables]
  logits = discriminator(images, training=True)
  for variable, value in zip(variables, before, strict=True):
    variable.assign(value)
  return logits


def fixed_batch(source, crop_size, scale, batch_size, seed):
  """One batch for histograms, the same throughout a run."""
  return next(iter(crops.training_batches(source, crop_size, scale, batch_size, seed)))
