"""Validation of surface normals while a network is trained."""

import tensorflow as tf

from experiments.common.run import logs as callbacks
from experiments.normals import evaluate as normals_evaluation


class NormalsValidation(callbacks.Periodic):
  """Angular errors and panels of held-out views.

  Adds `val_mean`, `val_median` and `val_within_11.25` to the epoch's logs.

  Args:
    folder, phase, every, epochs: see `callbacks.Periodic`.
    views: sequence of `view.View`.
  """

  def __init__(self, folder, phase, views, every, epochs):
    super().__init__(folder, phase, every, epochs)
    self._views = views
    self._predict = None

  def on_train_begin(self, logs=None):
    if self._predict is None:
      self._predict = normals_evaluation.predictor(self.model.network)

  def validate(self, logs):
    row, pictures = normals_evaluation.evaluate(self._predict, self._views, panels=3)
    for measure in ("mean", "median", "within_11.25"):
      logs[f"val_{measure}"] = row[measure]
    for name, picture in zip(self._views.names, pictures, strict=False):
      tf.summary.image(f"validation/{name}", picture[None])
