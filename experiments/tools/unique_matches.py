"""Counts the features that match a target of their own, by the weight of positions.

  python -m experiments.tools.unique_matches
  python -m experiments.tools.unique_matches --data=PHOTOS --spatial_weights=0,0.3

The contextual bilateral loss (CoBi, `ContextualLoss(spatial_weight=...)`) is meant to
spread matches over all targets: without positions, many features match the same one.
Compared are features of photographs and of their bicubic x4 reconstructions. `--shift`
moves these sideways by some pixels, as if a second camera had taken them.

Reference: Zhang, Chen, Ng, Koltun, "Zoom to Learn, Learn to Zoom", CVPR 2019,
https://arxiv.org/abs/1905.05169, section 4.
"""

import dataclasses

import tensorflow as tf
from tqdm import tqdm

import cxloss
from cxloss import architectures
from experiments.common import tables
from experiments.common.data import bicubic, sources
from experiments.common.run import app
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.common.upscaling import pairs

_SCALE = 4
# The deepest layer that the bundled weights reach sees 4 x 4 pixels as one position.
_LEAST = 4
_LAST = "block3_conv3"
_LAYERS = architectures.vgg_layers("vgg16")


def _weights(texts):
  try:
    weights = [float(text) for text in texts]
  except ValueError:
    weights = []
  if not weights or not all(0 <= weight <= 1e6 for weight in weights):
    raise ValueError(f"must list numbers from 0 to 1e6. Received: {','.join(texts)!r}")
  return tuple(weights)


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the pictures, the features and the losses that match them."""

  data: str = option("samples", "Photographs: samples, div2k, a folder or a glob.")
  layer: str = option(
    _LAST,
    "Layer of VGG16, with the bundled weights.",
    choices=_LAYERS[: _LAYERS.index(_LAST) + 1],
  )
  spatial_weights: tuple[float, ...] = option(
    ("0", "0.1", "1", "10", "100"),
    "Weights of the squared distance of positions, sides of a feature map being 1.",
    convert=_weights,
  )
  shift: int = option(0, "Pixels by which the reconstruction is moved.", lower=0)
  side: int = option(
    384, "Largest side of the pictures, whose middle is taken.", lower=_LEAST
  )

  def __post_init__(self):
    if self.side - self.side % _SCALE - self.shift < _LEAST:
      raise UserError(
        f"--shift must leave pictures of at least {_LEAST} pixels. "
        f"Received: {self.shift} of --side={self.side}"
      )


def main(settings):
  least = _LEAST + _SCALE + settings.shift
  source = sources.load(settings.data, "validation", least=least)
  print(tables.text(rows := measure(source, settings)))
  print(tables.legend(rows))


def measure(source, settings):
  """Returns a row for each weight, means over photographs; see `common.tables`."""
  features = cxloss.VGGFeatures(settings.layer, "vgg16", "bundled", (0, 255))
  rows = []
  for photograph in tqdm(source, "photographs", disable=None, leave=False):
    (_, target), (_, generated) = (
      features(images)[0] for images in _pair(photograph, settings)
    )
    for weight in settings.spatial_weights:
      share, loss = (
        function(target, generated, spatial_weight=weight)
        for function in (cxloss.unique_match_share, cxloss.contextual_loss)
      )
      rows.append(
        {
          "spatial weight": f"{weight:g}",
          "unique": 100 * float(share[0]),
          "loss": float(loss[0]),
        }
      )
  return tables.means(rows)


def _pair(photograph, settings):
  """Returns a target and what stands for a network's output, `(1, H, W, 3)`."""
  top, left = (max(size - settings.side, 0) // 2 for size in photograph.shape[:2])
  photograph = photograph[top:, left:][: settings.side, : settings.side]
  reduced, target = pairs.make_pair(photograph, _SCALE)
  generated = bicubic.upscale(reduced[None], _SCALE)
  target = tf.cast(target[None], tf.float32)
  width = target.shape[2] - settings.shift
  return target[:, :, settings.shift :], generated[:, :, :width]


if __name__ == "__main__":
  app.main("unique_matches", app.Command(Settings, main, folder=None))
