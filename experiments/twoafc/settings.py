"""Settings of one run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CxSettings:
  """Settles the points of "Net with L_CX" on which the paper is silent.

  Attributes:
    bandwidth: h of the contextual loss.
    target: the image whose features are the targets y_j: `"reference"`, `"distorted"`
      or `"both"`, the mean of both ways.
    layers: `"sum"` of -log CX over layers, or `"pool"`, -log of the mean CX.
    centering: `"image"` or `"batch"`, whose mean feature is subtracted.
  """

  bandwidth: float = 0.1
  target: str = "reference"
  layers: str = "sum"
  centering: str = "image"


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the triplets and the distances that judge them.

  Attributes:
    data_dir: folder of the BAPPS archive; `None` generates triplets instead.
    subsets: names of subsets in `data_dir`.
    skip_bad: whether broken triplets of `data_dir` are left out.
    limit: number of triplets to use of each subset in `data_dir`; `None` uses all.
    triplets: number of generated triplets of each distortion.
    nets: keys of `nets.NETS`.
    distances: keys of `distances.DISTANCES`, of the nets' features.
    low_level: keys of `distances.LOW_LEVEL`, of pixels.
    weights_dir: folder of the weights files, or `None`.
    cx: `CxSettings`.
    batch_size: triplets at once.
    seed: integer that fixes the generated triplets.
  """

  data_dir: str | None = None
  subsets: tuple = ()
  skip_bad: bool = False
  limit: int | None = None
  triplets: int = 40
  nets: tuple = ("vgg_front",)
  distances: tuple = ("l2", "cx")
  low_level: tuple = ("l2", "ssim", "fsimc")
  weights_dir: str | None = None
  cx: CxSettings = CxSettings()
  batch_size: int = 32
  seed: int = 0
