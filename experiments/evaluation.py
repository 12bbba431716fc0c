"""Measuring super-resolution on photographs."""

import numpy as np

from experiments import tiling
from experiments.data import bicubic
from experiments.metrics import psnr, ssim


def make_pairs(source, scale, limit=None):
  """List of `(name, lr, hr)`, uint8; HR is cut to a multiple of `scale`."""
  pairs = []
  for name, hr in zip(source.names, source, strict=True):
    pairs.append((name, *make_pair(hr, scale)))
    if len(pairs) == limit:
      break
  return pairs


def make_pair(hr, scale):
  """`(lr, hr)` of one photograph, uint8."""
  height, width = (side - side % scale for side in hr.shape[:2])
  hr = hr[:height, :width]
  return bicubic.downscale(hr[None], scale).numpy()[0].astype(np.uint8), hr


def evaluate(network, pairs):
  """Upscales each `lr` and measures it.

  Args:
    network: of `tiling.compiled`, or `None` for bicubic interpolation.
    pairs: of `make_pairs`.

  Returns:
    `(rows, pictures)`: a dict with `image`, `psnr_y` and `ssim_y` for each pair,
    and the uint8 results.
  """
  rows, pictures = [], []
  for name, lr, hr in pairs:
    scale = hr.shape[0] // lr.shape[0]
    if network is None:
      picture = bicubic.upscale(lr[None], scale).numpy()[0].astype(np.uint8)
    else:
      picture = tiling.upscale(network, lr, scale)
    pictures.append(picture)
    rows.append({"image": name, **measure(hr, picture, shave=scale)})
  return rows, pictures


def measure(hr, picture, shave):
  """PSNR and SSIM on Y of one uint8 pair, `shave` pixels cut off."""
  pair = hr[None], picture[None]
  return {
    "psnr_y": float(psnr.psnr_y(*pair, shave)[0]),
    "ssim_y": float(ssim.ssim_y(*pair, shave)[0]),
  }


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
