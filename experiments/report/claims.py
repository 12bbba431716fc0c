"""The paper's claims, as the table that opens `docs/reproduction.md` lists them."""

import dataclasses
import pathlib
import re

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "reproduction.md"
STATES = ("shown", "shown weakly", "contradicted", "not run", "in progress")


@dataclasses.dataclass(frozen=True)
class Claim:
  """One claim.

  Attributes:
    text: the claim, in our words.
    where: where the paper makes it, and its number if it gives one.
    command: what measures it, `experiments.NAME ...`.
    ours: our number, and what it rests on.
    state: one of `STATES`.
  """

  text: str
  where: str
  command: str
  ours: str
  state: str

  @property
  def experiment(self):
    """The entry point that measures it, such as `"sr"`."""
    return self.command.split()[0].removeprefix("experiments.")


def read(page=PAGE):
  """Returns the list of `Claim` of a page.

  Raises:
    ValueError: for a row that has other cells than a claim, or an unknown state.
  """
  section = pathlib.Path(page).read_text("utf-8").partition("\n## Claims\n")[2]
  section = section.partition("\n## ")[0]
  rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
  claims = []
  for row in rows:
    cells = [re.sub(r"[`*]", "", cell).strip() for cell in row.strip("|").split("|")]
    if len(cells) != 5 or cells[-1] not in STATES:
      raise ValueError(f"`page` has a row that is no claim. Received: {row!r}")
    claims.append(Claim(*cells))
  return claims
