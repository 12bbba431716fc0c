"""Validation of options that several losses share."""

import math
import numbers

import keras

from cxloss import backend

DISTANCES = ("cosine", "l2")
CENTERINGS = ("batch", "image")

# What messages call a number: a tensor is none, since settings are constants.
NUMBER = "number of Python or NumPy"

# Beyond it, positions alone decide; far beyond, distances would overflow.
_LARGEST_WEIGHT = 1e6


def check_options(bandwidth, distance, centering, spatial_weight=0.0):
  """Raises `ValueError` unless these are options of the contextual loss."""
  if not is_number(bandwidth) or not 0 < bandwidth < math.inf:
    raise ValueError(
      f"`bandwidth` must be a positive, finite {NUMBER}. "
      f"Received: bandwidth={bandwidth!r}"
    )
  if distance not in DISTANCES:
    raise ValueError(
      f"`distance` must be one of {DISTANCES}. Received: distance={distance!r}"
    )
  if centering not in CENTERINGS:
    raise ValueError(
      f"`centering` must be one of {CENTERINGS}. Received: centering={centering!r}"
    )
  if not is_number(spatial_weight) or not 0 <= spatial_weight <= _LARGEST_WEIGHT:
    raise ValueError(
      f"`spatial_weight` must be a {NUMBER} from 0 to {_LARGEST_WEIGHT:g}. "
      f"Received: spatial_weight={spatial_weight!r}"
    )


def is_number(value):
  """Whether a value is a real number; True and False are none."""
  return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_positive_integer(value):
  """Whether a value is a whole number from 1, such as 3 or 3.0."""
  return is_number(value) and 1 <= value < math.inf and value == int(value)


def compatible(shape, other):
  """Whether two shapes may be the same; `None` is a side that is not known yet."""
  return len(shape) == len(other) and all(
    a is None or b is None or a == b for a, b in zip(shape, other, strict=True)
  )


def dtype_of(tensor):
  """The name of a tensor's type, such as `"float32"`."""
  return keras.backend.standardize_dtype(tensor.dtype)


def is_floating(tensor):
  """Whether a tensor holds floats."""
  return keras.backend.is_float_dtype(dtype_of(tensor))


def with_rank(values, name):
  """Returns a tensor; raises `ValueError` where a graph does not know its rank."""
  tensor = backend.to_tensor(values)
  try:
    len(tensor.shape)
  except ValueError as error:
    raise ValueError(
      f"`{name}` must have a known number of dimensions. Received: a tensor of unknown "
      "rank; call its `set_shape`, or state the shape in the `tf.TensorSpec`"
    ) from error
  return tensor


def check_sample_weight(sample_weight, images):
  """Raises `ValueError` unless weights are those of N images, and not of pixels."""
  if sample_weight is None:
    return
  shape = tuple(with_rank(sample_weight, "sample_weight").shape)
  n = tuple(images.shape)[:1]
  if not any(compatible(shape, allowed) for allowed in ((), (1,), n, (*n, 1))):
    raise ValueError(
      "`sample_weight` must have shape (N,), one number an image; to leave out pixels, "
      f"use the method `masked`. Received: shape={shape} for {n[0]} images"
    )


def same_batch(y_true, y_pred):
  """Returns both as tensors; raises `ValueError` if their batch sizes differ."""
  y_true, y_pred = with_rank(y_true, "y_true"), with_rank(y_pred, "y_pred")
  shapes = tuple(y_true.shape), tuple(y_pred.shape)
  if not compatible(shapes[0][:1], shapes[1][:1]):
    raise ValueError(
      "`y_true` and `y_pred` must have the same batch size. "
      f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}"
    )
  return y_true, y_pred


def check_weights(weights, name, what):
  """Raises `ValueError` unless numbers are finite and >= 0, and not all of them 0.

  Args:
    weights: the numbers, each of something in the loss.
    name: what the message calls them.
    what: what the message shows as received.
  """
  finite = all(is_number(weight) and 0 <= weight < math.inf for weight in weights)
  if not finite or not any(weights):
    raise ValueError(
      f"`{name}` must have finite weights >= 0, not all of them 0. Received: {what!r}"
    )
