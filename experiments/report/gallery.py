"""The pictures of each experiment's runs.

Where a run left two pictures of one scene, or a panel of which two can be cut, they
become a pair to compare.
"""

import json

from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.common.run.errors import UserError
from experiments.report import pictures

# Of a run's panels, to keep the page small.
_PANELS = 3


def of(run):
  """The figures of a run.

  Args:
    run: `runs.Run`.

  Returns:
    `(figures, remarks)`: a list of `pictures.Figure`, and lines on what is missing.
  """
  found, remarks = [], []
  for draw in _GALLERIES[run.entry.name]:
    try:
      found.extend(draw(run, remarks))
    except (OSError, ValueError) as error:
      remarks.append(str(error))
  return found, remarks


def _figure(name, alt, caption):
  """Shows a file of the run folder."""

  def draw(run, remarks):
    yield pictures.Figure((_read(run, name, "", alt),), caption)

  return draw


def _optional(name, alt, caption):
  """The same for a file that not every run writes."""

  def draw(run, remarks):
    if (run.folder / name).exists():
      yield from _figure(name, alt, caption)(run, remarks)

  return draw


def _pair(one, other):
  """Compares two files of the run folder, each `(name, label, alt)`, if both exist."""

  def draw(run, remarks):
    if all((run.folder / name).exists() for name, _, _ in (one, other)):
      both = _read(run, *one), _read(run, *other)
      yield pictures.Figure(both, f"{one[1]} against {other[1]}")

  return draw


def _read(run, name, label, alt):
  path = run.folder / name
  if not path.exists():
    raise UserError(f"there is no {name}")
  return pictures.Picture(images.read_rgb(path), label, alt)


def _panels(cut):
  """Shows the first panels, each after the pair that `cut(run, panel)` takes from it.

  `cut` returns two `(pixels, label)`.
  """

  def draw(run, remarks):
    paths = sorted((run.folder / "panels").glob("[!.]*.png"))
    if not paths:
      raise UserError("there are no panels")
    for number, path in enumerate(paths[:_PANELS], 1):
      try:
        panel = images.read_rgb(path)
        both = cut(run, panel)
      except ValueError as error:
        remarks.append(f"panels/{path.name}: {error}")
        continue
      scene = path.stem
      yield pictures.Figure(
        tuple(
          pictures.Picture(pixels, label, f"{scene}: {label}") for pixels, label in both
        ),
        f"{scene}: {both[0][1]} against {both[1][1]}",
      )
      alt = f"{scene}: all pictures of the comparison side by side, with their names"
      caption = f"{scene}: panel {number} of {len(paths)}"
      yield pictures.Figure((pictures.Picture(panel, "", alt),), caption)

  return draw


def _sr(run, panel):
  columns = panels.split(panel, columns=4, details=1)
  return (columns[1][0], "bicubic"), (columns[2][0], list(run.values["validation"])[-1])


def _zooms(run, remarks):
  """The first panels of a later evaluation."""
  paths = sorted((run.folder / "evaluation" / "panels").glob("*/[!.]*.png"))
  for path in paths[:_PANELS]:
    name = path.relative_to(run.folder)
    alt = f"{path.stem}: details of each method side by side, with their names"
    caption = f"{path.parent.name}, {path.stem}: details (figures 6 and 7)"
    yield from _figure(name, alt, caption)(run, remarks)


def _normals(run, panel):
  image, predicted, _ = panels.split(panel, columns=3, details=0)
  return (image[0], "photograph"), (predicted[0], "predicted normals")


def _compare_sr(run, panel):
  """A detail: the whole pictures are reduced."""
  methods = ["HR", *json.loads((run.folder / "evaluation.json").read_text())]
  columns = dict(
    zip(methods, panels.split(panel, len(methods), details=2), strict=True)
  )
  return (columns["bicubic"][1], "bicubic"), (columns[methods[-1]][1], methods[-1])


def _first_and_last(run, remarks):
  """The start and the result of the contextual loss, or of the last loss there is."""
  losses = run.flags["losses"].split(",")
  loss = "cx" if "cx" in losses else losses[-1]
  return _pair(
    (
      f"iterations/{loss}/000000.png",
      "input",
      "the blurred image that the optimisation starts from",
    ),
    (f"results/{loss}.png", loss, f"the image optimised under {loss}"),
  )(run, remarks)


_SPECTRA = "mean power spectra, in two dimensions and averaged over directions"
_GALLERIES = {
  "sr": (_panels(_sr), _zooms),
  "normals": (_panels(_normals),),
  "single_image": (
    _pair(
      ("pictures/l2.png", "l2", "the photograph enlarged by the network of L2"),
      ("pictures/cx.png", "cx", "the photograph enlarged by the network of L_CX"),
    ),
    _figure(
      "panel.png",
      "the original and each result side by side, whole and in two details",
      "Results of each loss",
    ),
    _figure("power_spectrum.png", _SPECTRA, "Power spectra"),
  ),
  "distributions": (
    _first_and_last,
    _figure(
      "distributions.png",
      "input and results, and below each the projections of its patches in magenta "
      "over the target's in green, black where they overlap",
      "Images and projections of their patches",
    ),
    _figure(
      "iterations.png",
      "a row for each loss: the image at several steps, and the target",
      "The images on their way",
    ),
  ),
  "spatial_support": (
    _figure(
      "support.png",
      "the target and, for each loss, a map of each target pixel's influence on the "
      "gradient at one generated pixel",
      "Influence of target pixels",
    ),
  ),
  "power_spectrum": (_figure("power_spectrum.png", _SPECTRA, "Power spectra"),),
  "compare_sr": (
    _optional("power_spectrum/power_spectrum.png", _SPECTRA, "Power spectra"),
    _panels(_compare_sr),
  ),
  "toy2d": (
    _figure(
      "matches.png",
      "point sets with lines from each target to its match, contextual above and "
      "Chamfer below",
      "Matches of the first draw of each set",
    ),
    _figure(
      "estimates.png",
      "curves of the contextual loss, Chamfer distance and divergence as one "
      "distribution moves onto another",
      "Estimates of the divergence",
    ),
  ),
  "twoafc": (
    _figure("scores.png", "agreement of each distance, drawn as dots", "Agreement"),
    _optional(
      "strengths.png",
      "the strong distortions in units of the strong blur, drawn as dots",
      "Strengths of distortions",
    ),
    _optional(
      "examples.png",
      "a triplet of each distortion: reference, weak and strong",
      "Generated triplets",
    ),
  ),
}
