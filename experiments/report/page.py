"""The page, put together from run folders."""

import pathlib
import re
import typing

import jinja2
import markdown
import markupsafe

from experiments.common import tables
from experiments.common.run.errors import UserError
from experiments.report import gallery, judges, paper
from experiments.report import runs as run_folders

_MEGABYTE = 1_000_000
LARGEST = 15 * _MEGABYTE
# Largest width of pictures and quality of photographs, until the page is small enough.
_SETTINGS = ((1600, 88), (1200, 80), (900, 70), (640, 60))
_DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "reproduction.md"
# Class and symbol of each verdict.
_VERDICTS = {
  judges.HOLDS: ("holds", "✓"),
  judges.PARTLY: ("partly", "≈"),
  judges.FAILS: ("fails", "✗"),
  judges.OPEN: ("open", "?"),
}


class _Shown(typing.NamedTuple):
  """A run, its address on the page, and its pictures, see `gallery.of`."""

  address: str
  run: run_folders.Run
  figures: list
  remarks: list


def assemble(names, largest=LARGEST):
  """Reads runs and builds the page.

  Args:
    names: list of paths of run folders, or of folders of them.
    largest: of the page, in bytes. Pictures are reduced and compressed more until it
      is kept.

  Returns:
    `(text, runs, problems)`: the page, the list of `runs.Run` in it, and a list of
    `(folder, reason)` for each folder or picture that is not.

  Raises:
    ValueError: for a path in `names` that is no folder or has none in it, or if the
      pictures are too many for the size.
  """
  groups = {experiment: [] for experiment in paper.EXPERIMENTS}
  broken, remarked = [], []
  for folder in run_folders.find(names):
    try:
      run = run_folders.read(folder)
    except (OSError, UserError) as error:
      broken.append((folder, str(error)))
      continue
    group = groups[run.experiment]
    address = f"{run.experiment.key}-{len(group) + 1}"
    group.append(_Shown(address, run, *gallery.of(run)))
    remarked += [(folder, remark) for remark in group[-1].remarks]
  runs = [shown.run for group in groups.values() for shown in group]
  for width, quality in _SETTINGS:
    text = _render(groups, runs, broken, width, quality)
    if len(text.encode()) <= largest:
      return text, runs, broken + remarked
  raise UserError(
    f"--runs has too many pictures for one page of {largest / _MEGABYTE:g} MB: name "
    f"fewer of the {len(runs)} runs"
  )


def _render(groups, runs, broken, width, quality):
  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  return environment.get_template("template.html").render(
    lead=_lead(groups, runs, broken),
    groups=groups,
    not_run=_not_run(groups),
    broken=broken,
    verdicts=_VERDICTS,
    facts=_facts,
    counted=tables.counted,
    document=_document,
    width=width,
    encode=lambda picture, width: gallery.data_uri(picture.pixels, width, quality),
  )


def _lead(groups, runs, broken):
  verdicts = [finding.verdict for run in runs for _, finding in run.findings]
  counts = ", ".join(f"{v} {verdicts.count(v)}" for v in _VERDICTS if v in verdicts)
  sentences = [
    f"{tables.counted(len(runs), 'finished run')} of {sum(map(bool, groups.values()))} "
    f"of the paper's {len(groups)} experiments."
  ]
  if verdicts:
    number = tables.counted(len(verdicts), "verdict")
    sentences.append(f"{number} on the paper's claims: {counts}.")
  if broken:
    number = tables.counted(len(broken), "folder")
    sentences.append(f"{number} without a finished run.")
  return " ".join(sentences)


def _facts(run):
  full = [name for name, differing in run.departures.items() if not differing]
  size = f"All values of {full[0]}." if full else "Not the paper's size, see below."
  if not run.departures:
    size = "The paper has no such run."
  known = [
    f"{n} {run.packages[n]}" for n in ("tensorflow", "keras") if n in run.packages
  ]
  versions = f" Made with {', '.join(known)}." if known else ""
  return f"{size} Seed {run.flags.get('seed', 'not recorded')}.{versions}"


def _not_run(groups):
  """Lists the flagfiles of the paper's size that no run has all values of.

  Each is `(experiment, entry, flagfile, whether the entry point was run at all)`.
  """
  missing = []
  for experiment, group in groups.items():
    for entry in experiment.entries:
      runs = [shown.run for shown in group if shown.run.entry is entry]
      made = {name for run in runs for name, d in run.departures.items() if not d}
      left = [name for name in entry.paper if name not in made]
      missing += [(experiment, entry, name, bool(runs)) for name in left]
  return missing


def _document(words):
  """HTML of the section of docs/reproduction.md whose heading has some words in it."""
  for part in re.split(r"^## ", _DOCUMENT.read_text("utf-8"), flags=re.MULTILINE)[1:]:
    heading, _, body = part.partition("\n")
    if words in heading:
      html = markdown.markdown(body, extensions=["tables", "fenced_code"])
      box = 'class="scroll" role="region" tabindex="0" aria-label='
      html = html.replace("<table>", f'<div {box}"Table"><table>')
      html = html.replace("</table>", "</table></div>")
      html = html.replace("<pre>", f'<pre {box}"Printed by a run">')
      return markupsafe.Markup(html)
  raise LookupError(f"{_DOCUMENT} has no section on {words}")
