"""Settings of a comparison, each beside the help of its flag."""

import dataclasses
import pathlib

from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

_FLAGFILES = pathlib.Path(__file__).parents[2] / "flags"
SCALE = 4
# Method to its flagfiles of `experiments.sr`, by --size.
_METHODS = {
  name: {"paper": f"{name}.flags", "quick": f"{name}_quick.flags"}
  for name in ("srresnet", "lapsrn", "srgan", "enhancenet")
}
# Not sr_quick.flags: that starts from a trained network.
_METHODS["ours"] = {"paper": "sr.flags", "quick": "ours_quick.flags"}
_TWO_PHASES = ("srgan", "enhancenet", "ours")
# Epochs into which the steps of a method are cut, for logs and phases.
_EPOCHS = 10
# LapSRN's paper halves the rate after half of so many.
_LAPSRN_EPOCHS = 100


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the methods and the training that they share."""

  data: str = option(
    "samples",
    "samples (embedded), div2k, or a folder or glob of photographs.",
    checks.NOT_EMPTY,
  )
  validation_data: str | None = option(
    None,
    "Held-out photographs, like --data. By default the validation split of --data, or "
    "the last tenth of a folder.",
    checks.NOT_EMPTY,
  )
  steps: int = option(
    600,
    f"Updates of the generator, for each method; above {_EPOCHS}, rounded up to a "
    f"multiple of it ({_LAPSRN_EPOCHS} for lapsrn with --size=paper).",
    lower=1,
  )
  pretrain_share: float = option(
    0.5,
    "Share of the steps on squared error, in methods with two phases; rounded to "
    f"multiples of 1 / {_EPOCHS}.",
    checks.NOT_NEGATIVE,
    lower=0.0,
    upper=1.0,
  )
  crop_size: int = option(64, "Side of the high-resolution crops.", lower=16)
  batch_size: int = option(8, "Crops a step.", lower=1)
  size: str = option(
    "quick",
    "Flagfiles: NAME_quick.flags, with small networks and the bundled VGG16, or "
    "NAME.flags, with each paper's network, VGG19 and learning rate.",
    choices=("quick", "paper"),
  )
  methods: tuple[str, ...] = option(
    tuple(_METHODS),
    f"Some of {','.join(_METHODS)}, in the wanted order.",
    checks.some_of(_METHODS),
  )
  spectra: bool = option(
    True, "End with the power spectra on the held-out photographs."
  )
  seed: int = 0

  def __post_init__(self):
    if self.crop_size % SCALE:
      raise UserError(
        f"--crop_size must be a multiple of {SCALE}. Received: {self.crop_size}"
      )
    share, epochs = self.pretrain_share, min(_EPOCHS, self.steps)
    if 0 < share < 1 and round(share * epochs) in (0, epochs):
      raise UserError(
        f"--pretrain_share must leave steps to both phases, or be 0 or 1: with "
        f"--steps={self.steps} it is rounded to a multiple of 1 / {epochs}. "
        f"Received: {share}"
      )

  def arguments(self, method):
    """Returns the flags of one method's run of `experiments.sr`, a list of strings."""
    # Phases have only their epochs in common: lengths are counted in these.
    paper_lapsrn = method == "lapsrn" and self.size == "paper"
    epochs = min(_LAPSRN_EPOCHS if paper_lapsrn else _EPOCHS, self.steps)
    arguments = [
      f"--flagfile={_FLAGFILES / _METHODS[method][self.size]}",
      f"--data={self.data}",
      f"--seed={self.seed}",
      f"--crop_size={self.crop_size}",
      f"--batch_size={self.batch_size}",
      f"--steps_per_epoch={-(-self.steps // epochs)}",
      f"--validate_every={epochs}",
    ]
    if self.validation_data:
      arguments.append(f"--validation_data={self.validation_data}")
    if method == "lapsrn":
      return [*arguments, f"--epochs={epochs}"]
    share = self.pretrain_share if method in _TWO_PHASES else 1
    pretrained = round(share * epochs)
    return [
      *arguments,
      f"--pretrain_epochs={pretrained}",
      f"--epochs={epochs - pretrained}",
    ]
