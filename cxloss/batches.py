"""Batches that may be empty, as replicas get for the rest of an epoch."""

import keras
from keras import ops


def apply(function, images):
  """`function(images)`, where the function maps each image on its own.

  Some operations fail for empty batches, or have no gradient. Such a
  batch goes through the function with an image of zeros.

  Args:
    function: maps a tensor `(N, ...)` to one or a list of tensors `(N, ...)`.
    images: `(N, H, W, C)`.
  """
  if images.shape[0]:
    return function(images)
  n, *rest = ops.shape(images)
  zeros = ops.zeros((1, *rest), images.dtype)
  filled = ops.concatenate([images, zeros[n:]], axis=0)
  return keras.tree.map_structure(lambda found: found[:n], function(filled))
