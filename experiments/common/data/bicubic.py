"""Bicubic resizing as MATLAB's `imresize` does it, the field's convention.

Antialiasing is what matters: without it, a x4 reduction aliases, and results lose
several dB against published ones.
"""

import tensorflow as tf


def downscale(images, scale):
  """Antialiased bicubic reduction of `(N, H, W, 3)` in [0, 255], 8-bit levels."""
  height, width = (images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2))
  return _resize(images, height // scale, width // scale)


def upscale(images, scale):
  """Bicubic enlargement of `(N, h, w, 3)` in [0, 255], 8-bit levels."""
  height, width = (images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2))
  return _resize(images, height * scale, width * scale)


def _resize(images, height, width):
  resized = tf.image.resize(
    tf.cast(images, tf.float32), [height, width], "bicubic", antialias=True
  )
  return tf.round(tf.clip_by_value(resized, 0.0, 255.0))
