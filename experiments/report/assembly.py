"""From folders to the page's text, and what could not be shown."""

from experiments.common.run.errors import UserError
from experiments.report import gallery, page, runs

_MEGABYTE = 1_000_000
LARGEST = 15 * _MEGABYTE
# Largest width of pictures and quality of photographs, until the page is small enough.
_SETTINGS = ((1600, 88), (1200, 80), (900, 70), (640, 60))


def assemble(names, largest=LARGEST):
  """Reads runs and builds the page.

  Args:
    names: list of paths of run folders, or of folders of them.
    largest: of the page, in bytes. Pictures are reduced and compressed more until it
      is kept.

  Returns:
    `(text, found, problems)`: the page, the list of `runs.Run` in it, and a list of
    `(folder, reason)` for each folder or picture that is not.

  Raises:
    ValueError: for a path in `names` that is no folder or has none in it, or if the
      pictures are too many for the size.
  """
  found, broken = [], []
  for folder in runs.find(names):
    try:
      found.append(runs.read(folder))
    except (OSError, ValueError) as error:
      broken.append((folder, str(error)))
  galleries = [gallery.of(run) for run in found]
  problems = broken + [
    (run.folder, remark)
    for run, (_, remarks) in zip(found, galleries, strict=True)
    for remark in remarks
  ]
  for width, quality in _SETTINGS:
    text = page.build(found, galleries, broken, width, quality)
    if len(text.encode()) <= largest:
      return text, found, problems
  raise UserError(
    f"--runs has too many pictures for one page of {largest / _MEGABYTE:g} MB: name "
    f"fewer of the {len(found)} runs"
  )
