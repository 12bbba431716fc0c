"""Sections of docs/reproduction.md as parts of the page."""

import functools
import pathlib
import re
from xml.etree import ElementTree

import markdown
import markupsafe
from markdown import extensions, treeprocessors

from experiments.common.data import images
from experiments.report import gallery

_DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "reproduction.md"


def section(words, width, quality):
  """Returns the HTML of the section whose heading has some words in it.

  Pictures are in it, so that it needs no other file, and links to files of the
  checkout become text.

  Args:
    words: some words of a heading.
    width: largest width of pictures, see `gallery.data_uri`.
    quality: of pictures, see `gallery.data_uri`.

  Returns:
    `markupsafe.Markup`.

  Raises:
    LookupError: if there is no such section.
  """
  for part in re.split(r"^## ", _DOCUMENT.read_text("utf-8"), flags=re.MULTILINE)[1:]:
    heading, _, body = part.partition("\n")
    if words in heading:
      encode = functools.partial(gallery.data_uri, width=width, quality=quality)
      parts = ["tables", "fenced_code", _Alone(encode)]
      html = markdown.markdown(body, extensions=parts)
      box = 'class="scroll" role="region" tabindex="0" aria-label='
      html = html.replace("<table>", f'<div {box}"Table"><table>')
      html = html.replace("</table>", "</table></div>")
      html = html.replace("<pre>", f'<pre {box}"Printed by a run">')
      return markupsafe.Markup(html)
  raise LookupError(f"{_DOCUMENT} has no section on {words}")


class _Alone(extensions.Extension):
  """Makes HTML independent of the files beside the document."""

  def __init__(self, encode):
    super().__init__()
    self._encode = encode

  def extendMarkdown(self, md):  # noqa: N802, the name is the library's.
    # After the processor that makes elements of links and pictures, priority 20.
    md.treeprocessors.register(_Processor(md, self._encode), "alone", 10)


class _Processor(treeprocessors.Treeprocessor):
  def __init__(self, md, encode):
    super().__init__(md)
    self._encode = encode

  def run(self, root: ElementTree.Element):
    for picture in root.iter("img"):
      pixels = images.read_rgb(_DOCUMENT.parent / picture.get("src"))
      uri, width, height = self._encode(pixels)
      picture.attrib.update(src=uri, width=str(width), height=str(height))
    for link in root.iter("a"):
      if not re.match("https?:", link.get("href")):
        link.tag = "span"
        del link.attrib["href"]
