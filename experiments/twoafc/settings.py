"""Settings of one run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CxSettings:
  """Settles the points of "Net with L_CX" on which the paper is silent.

  Attributes are called as the flags, whose help texts describe them:
  `target`, `layers` are `--cx_target` and `--cx_layers`.
  """

  bandwidth: float = 0.1
  target: str = "reference"
  layers: str = "sum"
  centering: str = "image"


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the triplets and the distances that judge them.

  Attributes are called as the flags, whose help texts describe them.
  `data_dir` is `None` for generated triplets, `weights_dir` where no folder is named.
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
