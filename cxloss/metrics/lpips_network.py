"""Distances of feature maps after LPIPS, with and without its learned weights.

Feature vectors are divided by their norm; the squared difference is summed over
channels, averaged over positions, and summed over layers. LPIPS weighs the channels
by a learned, non-negative head; without heads it is the "baseline" of the LPIPS code,
the "Net with L2" of Mechrez et al. (supplementary, table 1).

The maps come from torchvision's networks, images preprocessed as for these (LPIPS
version 0.1), at the layers `TAPS`, named as in `cxloss.backbones`.

References:
1. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
   Metric", CVPR 2018, https://arxiv.org/abs/1801.03924.
2. https://github.com/richzhang/PerceptualSimilarity, lpips/lpips.py.
"""

import pathlib

import numpy as np
import tensorflow as tf

from cxloss import weights_files

TAPS = {
  "alexnet": ("conv1", "conv2", "conv3", "conv4", "conv5"),
  "vgg16": (
    "block1_conv2",
    "block2_conv2",
    "block3_conv3",
    "block4_conv3",
    "block5_conv3",
  ),
  "squeezenet": ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
}

# Added to the norms [2].
_EPSILON = 1e-10


def distance(reference, images, heads=None):
  """LPIPS distance, or its unweighted baseline.

  Args:
    reference: list of feature maps, float `(N, h, w, C)`, one a layer.
    images: likewise.
    heads: list of float `(C,)`, the learned weights of each layer; `None`
      (default): all 1.

  Returns:
    Float32 `(N,)`, at least 0. Symmetric in the two.
  """
  heads = [None] * len(reference) if heads is None else heads
  total = 0.0
  for a, b, head in zip(reference, images, heads, strict=True):
    total += tf.reduce_mean(difference(a, b, head), axis=[1, 2])
  return total


def difference(reference, images, head=None):
  """The distance of one layer before its mean over positions.

  Args:
    reference: feature maps, float `(N, h, w, C)`.
    images: likewise.
    head: float `(C,)`, learned weights; `None` (default): all 1.

  Returns:
    Float32 `(N, h, w)`.
  """
  squares = (_normalize(reference) - _normalize(images)) ** 2
  return tf.reduce_sum(squares if head is None else squares * head, axis=-1)


def read_heads(path, layers):
  """Reads learned weights, one float32 `(C,)` for each of `layers`.

  Args:
    path: an `.npz` file with arrays `lin/LAYER`, as
      `python -m experiments.tools.convert_torchvision --lpips_heads` writes.
    layers: names of layers.

  Raises:
    ValueError: if the file is damaged, lacks a layer or has other shapes.
    FileNotFoundError: if there is none.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"LPIPS needs its learned weights. There is no file {path}")
  try:
    arrays = weights_files.read_npz(path)
  except ValueError as error:
    raise ValueError(f"LPIPS heads: {error}") from error
  heads = []
  for layer in layers:
    head = arrays.get(f"lin/{layer}")
    if head is None or head.ndim != 1:
      found = "no such array" if head is None else f"shape {head.shape}"
      raise ValueError(
        f"LPIPS heads must hold lin/{layer} with shape (channels,). "
        f"Received: {path} with {found}"
      )
    heads.append(head.astype(np.float32))
  return heads


def _normalize(v):
  return v / (tf.norm(v, axis=-1, keepdims=True) + _EPSILON)
