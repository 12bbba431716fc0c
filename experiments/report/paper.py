"""The paper's experiments, in its order, and the commands that run them."""

import dataclasses

from experiments.common.run.errors import UserError
from experiments.report import flagfiles


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
  """An entry point of an experiment.

  Attributes:
    name: of the module in `experiments`.
    paper: flagfiles with the paper's values; none if the paper has no such run.
    cost: what the paper's size takes; why it is usually not run.
    needs: further arguments of the paper's size, to be filled in.
    free: flags of the flagfiles that the paper does not fix.
    defaults: flags that the flagfiles leave out, with the values they rely on; `None`
      for one that must not be given.
  """

  name: str
  paper: tuple
  cost: str
  needs: tuple = ()
  free: tuple = ()
  defaults: dict = dataclasses.field(default_factory=dict)

  @property
  def quick(self):
    """The flagfile for minutes without a download."""
    return f"{self.name.partition('.')[0]}_quick.flags"

  def command(self, flagfile):
    """The command that runs one of the flagfiles."""
    needs = self.needs if flagfile in self.paper else ()
    return flagfiles.command(self.name, [f"--flagfile={flagfile}", *needs])


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
  """One experiment of the paper.

  Attributes:
    title: heading.
    part: where it is in the paper.
    entries: its entry points.
  """

  title: str
  part: str
  entries: tuple

  @property
  def key(self):
    """The name of its first entry point, under which `claims.CLAIMS` has its claims."""
    return self.entries[0].name


# The paper trains from scratch, by its own objective, in float32.
_TRAINED = {
  "initial_weights": None,
  "spatial_weight": "0",
  "precision": "float32",
  "backbone_precision": "float32",
}

EXPERIMENTS = (
  Experiment(
    "Super-resolution",
    "section 5.1; figures 6 and 7",
    (
      Entry(
        "sr",
        paper=("sr.flags",),
        cost="days on a GPU; it downloads DIV2K and VGG19",
        defaults={
          **_TRAINED,
          "model": "srgan",
          "icnr": "False",
          "max_points": "0",
          "steps_per_epoch": None,
          "average": "0",
          "discriminator_epochs": "0",
          "discriminator_learning_rate": None,
          "lambda_vgg": "0",
          "lambda_texture": "0",
        },
      ),
    ),
  ),
  Experiment(
    "Surface normals",
    "section 5.2",
    (
      Entry(
        "normals",
        paper=("normals.flags", "normals_l1_0.flags"),
        cost="days on a GPU; it downloads VGG19",
        needs=("--data=FOLDER",),
        defaults={
          **_TRAINED,
          "pretrain_epochs": "0",
          "lambda_l2": "0",
          "reduce": "1",
          "count": "0",
          "light": "above",
          "view_colour": "0",
        },
      ),
      Entry(
        "normals.ablation",
        paper=(),
        cost="six trainings of normals",
      ),
    ),
  ),
  Experiment(
    "A network trained on one photograph",
    "figure 1",
    (
      Entry(
        "single_image",
        paper=("single_image.flags",),
        cost="10,000 steps on crops of 384 for each loss; the photograph is not public",
        needs=("--image=PHOTO",),
        defaults={"icnr": "False"},
      ),
    ),
  ),
  Experiment(
    "Distributions of patches",
    "figure 2",
    (
      Entry(
        "distributions",
        paper=("distributions.flags",),
        cost="some ten hours on two cores; the photograph is not public",
        free=("image", "snapshot_every"),
      ),
    ),
  ),
  Experiment(
    "Spatial support",
    "figure 3",
    (
      Entry(
        "spatial_support",
        paper=("spatial_support.flags",),
        cost="a GPU; it downloads VGG19",
      ),
    ),
  ),
  Experiment(
    "Power spectra",
    "figure 4",
    (
      Entry(
        "power_spectrum",
        paper=("power_spectrum.flags",),
        cost="the results that the methods' authors published",
        free=("data",),
      ),
      Entry(
        "compare_sr",
        paper=("compare_sr.flags",),
        cost="100,000 steps of five networks on a GPU; it downloads DIV2K and VGG19",
      ),
    ),
  ),
  Experiment(
    "Points in the plane",
    "figure 5",
    (
      Entry(
        "toy2d",
        paper=("toy2d.flags",),
        cost="a minute",
      ),
    ),
  ),
  Experiment(
    "Two-alternative forced choice",
    "table 1",
    (
      Entry(
        "twoafc",
        paper=("twoafc.flags",),
        cost="BAPPS, and weights converted from torchvision's; some 1.5 hours",
        needs=("--data_dir=BAPPS/2afc", "--weights_dir=WEIGHTS"),
        free=("data_dir", "weights_dir"),
        defaults={
          "limit": None,
          "subsets": "traditional,cnn,superres,deblur,color,frameinterp",
        },
      ),
    ),
  ),
)


def recognise(name):
  """The `(Experiment, Entry)` of the name in a run's record.

  Raises:
    ValueError: if it is none of the paper's.
  """
  for experiment in EXPERIMENTS:
    for entry in experiment.entries:
      if entry.name == name:
        return experiment, entry
  raise UserError(f"{name!r} is not an experiment of the paper")
