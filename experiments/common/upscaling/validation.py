"""A Keras callback that validates a generator on held-out photographs."""

import contextlib

import tensorflow as tf

from experiments.common import tables
from experiments.common.run import logs
from experiments.common.upscaling import measure, upscalers
from experiments.common.upscaling.compare import Comparison

_PANELS = 3


class Validation(logs.Periodic):
  """Logs PSNR, SSIM and panels of held-out photographs, and D's logits.

  Adds `val_psnr_y` and `val_ssim_y` to the epoch's logs. If the model keeps an average
  of the generator's weights, that is what is validated.

  Args:
    folder, phase, every, epochs: see `Periodic`.
    pairs: list of `(name, lr, hr)`, uint8, of one scale.
    batch: a fixed training batch `(lr, hr)` for the histograms of logits.
  """

  def __init__(self, folder, phase, pairs, batch, every, epochs):
    super().__init__(folder, phase, every, epochs)
    self._pairs = pairs
    self._batch = batch
    _, lr, hr = pairs[0]
    self._scale = hr.shape[0] // lr.shape[0]
    self._measures = measure.Measures(self._scale, keys=measure.FIDELITY)
    self._method = None

  def on_train_begin(self, logs=None):
    if self._method is None:
      self._method = upscalers.method(self.model.generator, self._scale)

  def validate(self, logs):
    average = self.model.average
    with average.inside(self.model.generator) if average else contextlib.nullcontext():
      self._validate(logs)

  def _validate(self, logs):
    shown = [name for name, _, _ in self._pairs[:_PANELS]]

    def after(name, hr, panel):
      if name in shown:
        tf.summary.image(f"validation/{name}", panel[None])

    comparison = Comparison(self._measures)
    comparison.add({self._phase: self._method}, self._pairs, after=after)
    (means,) = tables.means(comparison.rows)
    # Pictures may be too small for a measure.
    known = {key: means[key] for key in measure.FIDELITY if means[key] is not None}
    logs.update({f"val_{key}": value for key, value in known.items()})
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
