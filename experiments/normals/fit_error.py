"""Measures how far normals that are fitted to depth are off: the truth's own error.

Procedural rooms have exact normals. Their depth is degraded as a camera's is, planes
are fitted to it as to any folder's, and the result is compared with the exact normals
of the same pixels: once as it is, once after degradation.

  python -m experiments.normals.fit_error                   # depth of 8 bits, window 9
  python -m experiments.normals.fit_error --fit_window=11 --fit_jump=0.1 --fit_halve \\
      --reduce=2                                            # the fit of nyu_small

By default, depth is degraded as in the 8-bit copies of NYU Depth v2: steps of 39 mm,
10 metres over 256, and means over 2 x 2 pixels. No sensor's noise and no holes are
added, and procedural rooms are plainer than real ones: the number is a lower bound.
"""

import dataclasses

import numpy as np

from experiments.common import results
from experiments.common.run import app, checks
from experiments.common.run.options import option, seed
from experiments.normals import angles
from experiments.normals.data import depth, example, scenes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the depth and the fit."""

  height: int = option(232, "Height of the depth.", lower=16)
  width: int = option(312, "Width of the depth.", lower=16)
  step: float = option(
    10 / 256, "Metres to which depth is rounded; 0 for none.", checks.NOT_NEGATIVE
  )
  blocks: int = option(2, "Side of the blocks that depth is averaged over.", lower=1)
  reduce: int = option(
    1, "Reduce normals by this factor before they are compared.", lower=1
  )
  scenes: int = option(20, "Number of procedural rooms.", lower=1, upper=40)
  fit: depth.PlaneFit
  seed: int = seed()


def run(settings, folder):
  results.write(folder, measure(settings), about=dataclasses.asdict(settings))


def measure(settings):
  """Returns the rows of the fits to exact and to degraded depth.

  Args:
    settings: `Settings`.

  Returns:
    List of two rows with the entries of `angles.AngularError`, and `coverage`, the
    share of pixels that have a normal, in percent.
  """
  size = settings.height * settings.blocks, settings.width * settings.blocks
  source = scenes.Scenes("validation", *size, settings.seed)
  camera = scenes.camera(settings.height, settings.width)
  pairs = {"exact depth": [], "degraded depth": []}
  for index in range(settings.scenes):
    scene = source[index]
    exact = example.reduce(scene, settings.blocks)
    for name, step in zip(pairs, (0.0, settings.step), strict=True):
      metres = _degraded(scene.depth, step, settings.blocks)
      normals, mask = depth.normals_from_depth(metres, camera, settings.fit)
      fitted = example.NormalsExample(exact.image, normals, mask)
      both = exact, fitted
      pairs[name].append([example.reduce(one, settings.reduce) for one in both])
  return [{"method": name, **_errors(both)} for name, both in pairs.items()]


def _degraded(metres, step, side):
  """Rounds depth to steps, and averages it over blocks."""
  if step:
    metres = np.round(metres / step) * step
  height, width = (length // side for length in metres.shape)
  return metres.reshape(height, side, width, side).mean(axis=(1, 3))


def _errors(pairs):
  errors, covered = angles.AngularError(), []
  for true, fitted in pairs:
    mask = true.mask & fitted.mask
    errors.add(angles.angular_error(true.normals, fitted.normals)[mask])
    covered.append(mask.mean())
  return {**errors.result(), "coverage": 100 * float(np.mean(covered))}


if __name__ == "__main__":
  app.main("normals.fit_error", app.Command(Settings, run))
