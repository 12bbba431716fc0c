"""Sections of docs/reproduction.md as HTML: deviations are told in one place."""

import pathlib
import re

import markdown

from experiments.common.run.errors import UserError

PATH = pathlib.Path(__file__).parents[2] / "docs" / "reproduction.md"


def section(words):
  """HTML of the section whose heading has some words in it.

  Raises:
    ValueError: if there is none.
  """
  for part in re.split(r"^## ", PATH.read_text("utf-8"), flags=re.MULTILINE)[1:]:
    heading, _, body = part.partition("\n")
    if words in heading:
      return markdown.markdown(body, extensions=["tables", "fenced_code"])
  raise UserError(f"{PATH} has no section on {words}")
