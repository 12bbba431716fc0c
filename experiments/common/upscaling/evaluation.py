"""Measuring super-resolution on photographs."""

import numpy as np
import tensorflow as tf

from cxloss.metrics import psnr as psnr_
from cxloss.metrics import ssim as ssim_
from experiments.common.data import bicubic
from experiments.common.upscaling import tiling

# Side in pixels of what is interpolated at once.
_TILE = 512


class Pairs:
  """A sequence of `(name, lr, hr)`, uint8, each made anew when it is asked for.

  Args:
    source: sequence of photographs with `names`, see `experiments.common.data`.
    scale: integer factor; HR is cut to a multiple of it.
    limit: take only so many; `None` (default) takes all.
  """

  def __init__(self, source, scale, limit=None):
    self._source = source
    self._scale = scale
    self.names = list(source.names)[:limit]

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    if isinstance(index, slice):
      return [self[i] for i in range(len(self))[index]]
    index = range(len(self))[index]  # IndexError beyond the end, as of a list
    return self.names[index], *make_pair(self._source[index], self._scale)

  def originals(self):
    """Yields `(name, hr)`."""
    for i, name in enumerate(self.names):
      yield name, _cut(self._source[i], self._scale)


def make_pair(hr, scale):
  """`(lr, hr)` of one photograph, uint8."""
  hr = _cut(hr, scale)
  return bicubic.downscale(hr[None], scale).numpy()[0].astype(np.uint8), hr


def upscale(network, lr, scale):
  """One uint8 result.

  Args:
    network: of `tiling.compiled`, or `None` for bicubic interpolation.
    lr: uint8 RGB `(h, w, 3)`.
    scale: integer factor.
  """
  if network is None:
    return tiling.upscale(_Bicubic(scale), lr, scale, tile=_TILE)
  return tiling.upscale(network, lr, scale)


class _Bicubic:
  """Bicubic interpolation as a network of `tiling`."""

  reach = 2

  def __init__(self, scale):
    self._scale = scale

  def __call__(self, images):
    return tf.cast(bicubic.upscale(images, self._scale), tf.uint8)


def stream(networks, pairs):
  """Upscales and measures pair by pair, none of which is kept.

  Args:
    networks: dict from a name to a network of `upscale`.
    pairs: iterable of `(name, lr, hr)`.

  Yields:
    `(name, lr, hr, pictures, rows)`: dicts from the networks' names to the uint8
    results, and to dicts with `image`, `psnr_y` and `ssim_y`.
  """
  for name, lr, hr in pairs:
    scale = hr.shape[0] // lr.shape[0]
    pictures = {key: upscale(network, lr, scale) for key, network in networks.items()}
    rows = {
      key: {"image": name, **measure(hr, picture, shave=scale)}
      for key, picture in pictures.items()
    }
    yield name, lr, hr, pictures, rows


def evaluate(network, pairs):
  """Upscales each `lr` of a few pairs and measures it.

  Returns:
    `(rows, pictures)`: lists of what `stream` yields.
  """
  rows, pictures = [], []
  for *_, picture, row in stream({"": network}, pairs):
    rows.append(row[""])
    pictures.append(picture[""])
  return rows, pictures


def measure(hr, picture, shave):
  """PSNR and SSIM on Y of one uint8 pair, `shave` pixels cut off."""
  return {"psnr_y": psnr(hr, picture, shave), "ssim_y": ssim(hr, picture, shave)}


def psnr(hr, picture, shave):
  """PSNR on Y of one uint8 pair, a float."""
  return float(psnr_.psnr_y(hr[None], picture[None], shave)[0])


def ssim(hr, picture, shave):
  """SSIM on Y of one uint8 pair, a float."""
  return float(ssim_.ssim_y(hr[None], picture[None], shave)[0])


def table(results):
  """Formats `{method: rows}`: one line an image, PSNR / SSIM for each method."""
  methods = list(results)
  names = [row["image"] for row in results[methods[0]]]
  width = max(len(name) for name in [*names, "image", "mean"])
  lines = ["  ".join([f"{'image':<{width}}", *(f"{m:>15}" for m in methods)])]
  for i, name in enumerate([*names, "mean"]):
    cells = []
    for method in methods:
      rows = results[method][i : i + 1] if i < len(names) else results[method]
      mean = {key: np.mean([row[key] for row in rows]) for key in ("psnr_y", "ssim_y")}
      cells.append(f"{mean['psnr_y']:6.2f} / {mean['ssim_y']:.4f}")
    lines.append("  ".join([f"{name:<{width}}", *(f"{c:>15}" for c in cells)]))
  return "\n".join(lines)


def _cut(hr, scale):
  height, width = (side - side % scale for side in hr.shape[:2])
  return hr[:height, :width]
