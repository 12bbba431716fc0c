"""The paper's claims.

S is the paper's supplementary. Sections 5.1 and 5.2 of the paper itself were not at
hand; where a claim stands for them, its source says so.
"""

import dataclasses
import typing

from experiments.report import judges
from experiments.twoafc import table_1


@dataclasses.dataclass(frozen=True)
class Claim:
  """One claim.

  Attributes:
    text: the claim, in our words.
    source: where the paper makes it.
    judge: function from the mean rows of a run to a `judges.Finding`.
    paper: the paper's numbers.
  """

  text: str
  source: str
  judge: typing.Callable[[list], judges.Finding]
  paper: str = "no number"


def _paper_agreement(net):
  cx, l2 = (table_1.paper_value(f"{net} {d}", "all") for d in ("CX", "L2"))
  return f"{cx} % under L_CX, {l2} % under L2"


def _with_l1(measure):
  """Compares all terms with L1 alone, in a training or in the ablation."""
  return judges.either(*(judges.less(measure, n, "l1") for n in ("ours", "cx + l1")))


CLAIMS = {
  "sr": (
    Claim(
      "Natural looks cost PSNR: ours is below the network trained on squared error.",
      "the paper's released images of BSD100, as measured by others (4PP-EUSR)",
      judges.less("psnr_y", "ours", "mse"),
      paper="ours 24.58 dB, SRResNet-MSE 27.60, SRGAN 25.18, bicubic 25.96",
    ),
    Claim(
      "Ours looks more natural than squared error and bicubic interpolation.",
      "S, figures 6 and 7; images of BSD100 as above",
      judges.more_natural,
      paper="perceptual index, less is better: ours 2.25, SRGAN 2.35, "
      "SRResNet-MSE 5.22, bicubic 7.00",
    ),
  ),
  "normals": (
    Claim(
      "The contextual loss helps to estimate surface normals.",
      "section 5.2, which was not at hand",
      _with_l1("mean"),
      paper="not at hand",
    ),
    Claim(
      "It keeps the statistics of the maps: the distribution of their gradients.",
      "the paper's thesis; the measure is ours",
      _with_l1("gradient_distance"),
    ),
  ),
  "single_image": (
    Claim(
      "Squared error blurs even the photograph it was trained on; L_CX brings back "
      "fine detail.",
      "S, figure 1",
      judges.less("high_db", "cx", "l2", key=abs),
    ),
    Claim(
      "L_CX keeps the statistics of patches better than squared error.",
      "S, figure 1",
      judges.less("kl_reference", "cx", "l2"),
    ),
    Claim(
      "Results of L1 and L2 are very similar (here: their spectra, to a quarter of "
      "what L_CX and L2 differ by).",
      "S, figure 1",
      judges.l1_is_l2,
    ),
    Claim(
      "L2 is a direct match for PSNR: it has more of it than L_CX.",
      "S, section 2",
      judges.less("psnr_y", "cx", "l2"),
    ),
  ),
  "distributions": (
    Claim(
      "L_CX makes the distribution of patches highly similar to the target's (here: "
      "more than half of the overlap that the input lacks).",
      "S, figure 2",
      judges.closes_the_gap("contextual"),
    ),
    *(
      Claim(
        f"{loss} barely reduces the gap (here: a tenth at most).",
        "S, figure 2",
        judges.closes_the_gap(loss, most=0.1),
      )
      for loss in ("L1", "L2")
    ),
  ),
  "spatial_support": (
    Claim(
      "Under a pixelwise loss, only the pixel itself has influence (here: less than "
      "1 % of the image, since pixels are replaced in blocks).",
      "S, section 2 and figure 3",
      judges.support(("l1", "l2"), most=1),
      paper="a sketch",
    ),
    Claim(
      "Under a perceptual loss, the receptive field has (here: less than half of the "
      "image).",
      "S, section 2 and figure 3",
      judges.support(("perceptual",), most=50),
      paper="a sketch",
    ),
    Claim(
      "Under L_CX, the whole image has (here: 99.9 % or more).",
      "S, section 2 and figure 3",
      judges.support(("cx_patches", "cx_vgg"), least=99.9),
      paper="a sketch",
    ),
  ),
  "power_spectrum": (
    Claim(
      "Methods that aim at looks (SRGAN, EnhanceNet, ours) have more natural spectra "
      "than those that aim at PSNR (bicubic, LapSRN, SRResNet).",
      "S, figure 4",
      judges.groups,
      paper="spectra drawn, no number",
    ),
    Claim(
      "The spectrum of ours is the most similar of all to the originals'.",
      "S, section 2 and figure 4",
      judges.ours_is_closest,
      paper="spectra drawn, no number",
    ),
  ),
  "toy2d": (
    Claim(
      "Contextual matches are more diverse than Chamfer's.",
      "S, figure 5",
      judges.more_diverse,
      paper="one pair of sets drawn, no number",
    ),
    Claim(
      "Both approximate the KL divergence; the contextual loss follows it more "
      "closely.",
      "S, figure 5; the measure is ours",
      judges.follows_the_divergence,
    ),
  ),
  "twoafc": tuple(
    Claim(
      f"{net} agrees with people more often under L_CX than under L2.",
      "S, table 1",
      judges.agreement(net),
      _paper_agreement(net),
    )
    for net in ("Squeeze", "Alex", "VGG")
  ),
}
