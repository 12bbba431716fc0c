"""Batches that may be empty, as replicas get for the rest of an epoch."""

import tensorflow as tf


def apply(function, images):
  """`function(images)`, where the function maps each image on its own.

  Some of TensorFlow's operations fail for empty batches, or have no gradient. Such a
  batch goes through the function with an image of zeros.

  Args:
    function: maps a tensor `(N, ...)` to one or a list of tensors `(N, ...)`.
    images: `(N, H, W, C)`.
  """
  if images.shape[0]:
    return function(images)
  shape = tf.shape(images)
  zeros = tf.zeros(tf.concat([[1], shape[1:]], axis=0), images.dtype)
  filled = tf.concat([images, zeros[shape[0] :]], axis=0)
  filled.set_shape([None, *images.shape[1:]])
  return tf.nest.map_structure(lambda found: found[: shape[0]], function(filled))
