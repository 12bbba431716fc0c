"""Features by a Keras model of one's own."""

import base64
import io
import os
from collections.abc import Sequence

import keras
import numpy as np

from cxloss import batches, weights_files
from cxloss.checks import check_weights, with_rank
from cxloss.features import Features, absolute
from cxloss.types import Config, TensorLike, WeightedFeatures


@keras.saving.register_keras_serializable(package="cxloss")
class ModelFeatures(Features):
  """Outputs of a Keras model of one's own.

  `ContextualLoss` makes one of any Keras model that it is given. The model is run
  with `training=False` and takes images as they come: put their conversion to what it
  expects, such as a `keras.layers.Rescaling`, into it. It stays out of the checkpoints
  of the model that is trained.

  Args:
    model: `keras.Model` from images to feature maps `(N, h, w, C)` or token sets
      `(N, P, C)`, one or several; or the path of a `.keras` file with one. The
      configuration of a loss stores the path alone; without one, it stores the
      model's graph and weights, so that saved models grow by these.
    weights: weight in the loss of each output, in their order (of sorted names, if the
      model returns a dict), finite and not negative. Defaults to 1 each.

  Raises:
    ValueError: for a file that does not hold a model, or weights that do not fit.

  Examples:
    >>> image = keras.Input((None, None, 3))
    >>> maps = keras.layers.Conv2D(8, 3, activation="relu")(image)
    >>> loss = cxloss.ContextualLoss(keras.Model(image, maps))
  """

  def __init__(
    self,
    model: keras.Model | str | os.PathLike,
    weights: Sequence[float] | None = None,
  ):
    self._path = None
    if not isinstance(model, keras.Model):
      if not isinstance(model, (str, os.PathLike)):
        raise ValueError(
          "`model` must be a keras.Model or the path of a .keras file. "
          f"Received: model={model!r}"
        )
      self._path = absolute(model)
      try:
        model = weights_files.load_model(self._path)
      except ValueError as error:
        raise ValueError(f"`model`: {error}") from error
    if weights is not None:
      if not isinstance(weights, (list, tuple)):
        raise ValueError(
          "`weights` must be None or a list of numbers, one for each output. "
          f"Received: weights={weights!r}"
        )
      check_weights(weights, "weights", weights)
      weights = [float(weight) for weight in weights]
    self.weights = weights
    self._model = model

  def __call__(self, images: TensorLike) -> WeightedFeatures:
    images = with_rank(images, "images")
    maps = batches.apply(lambda x: self._model(x, training=False), images)
    if isinstance(maps, dict):
      maps = [maps[name] for name in sorted(maps)]
    maps = list(maps) if isinstance(maps, (list, tuple)) else [maps]
    weights = [1.0] * len(maps) if self.weights is None else self.weights
    if len(weights) != len(maps):
      raise ValueError(
        f"`weights` must have one number for each of the model's {len(maps)} outputs. "
        f"Received: weights={weights}"
      )
    return [pair for pair in zip(weights, maps, strict=True) if pair[0] > 0]

  def get_config(self) -> Config:
    if self._path is not None:
      return {"model": self._path, "weights": self.weights}
    file = io.BytesIO()
    np.savez(file, *(_storable(array) for array in self._model.get_weights()))
    return {
      "model": keras.saving.serialize_keras_object(self._model),
      "arrays": base64.b64encode(file.getvalue()).decode("ascii"),
      "weights": self.weights,
    }

  @classmethod
  def from_config(cls, config: Config) -> "ModelFeatures":
    config = dict(config)
    arrays = config.pop("arrays", None)
    if arrays is not None:
      model = keras.saving.deserialize_keras_object(config["model"])
      found = weights_files.read_npz(io.BytesIO(base64.b64decode(arrays)))
      model.set_weights([found[f"arr_{i}"] for i in range(len(found))])
      config["model"] = model
    return cls(**config)


def _storable(array):
  """NumPy writes types that are not its own, such as bfloat16, as bytes of no type."""
  return array.astype("float32") if array.dtype.kind == "V" else array
