"""Pieces of HTML. Whatever comes from a run is escaped here."""

import html

from experiments.report import judges, pictures

_CLASSES = {
  judges.HOLDS: ("holds", "✓"),
  judges.PARTLY: ("partly", "≈"),
  judges.FAILS: ("fails", "✗"),
  judges.OPEN: ("open", "?"),
}
# Pictures of a pair that are narrower than this are enlarged, pixel by pixel.
_SMALL = 320
# Pixels below which panels and diagrams are not reduced to fit narrow screens.
_READABLE = 720


def text(value):
  """Escaped text, also for attributes in double quotes."""
  return html.escape(str(value))


def verdict(name, note=""):
  """A verdict as a coloured word with a symbol."""
  kind, symbol = _CLASSES[name]
  return f'<span class="verdict {kind}">{symbol} {text(name + note)}</span>'


def command(line):
  """A command line, which is broken between its words only."""
  words = " ".join(f"<span>{text(word)}</span>" for word in line.split(" "))
  return f'<pre class="command"><code>{words}</code></pre>'


def table(caption, header, rows):
  """A table of strings that scrolls in its own box."""
  head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in header)
  body = "\n".join(
    "<tr>"
    + f'<th scope="row">{text(first)}</th>'
    + "".join(f"<td>{text(cell)}</td>" for cell in rest)
    + "</tr>"
    for first, *rest in rows
  )
  note = f'<p class="note">{text(caption)}</p>' if caption else ""
  return (
    f"{note}<div {_region(caption or 'Table')}><table><thead><tr>{head}</tr></thead>"
    f"<tbody>\n{body}\n</tbody></table></div>"
  )


def boxed(markup):
  """Puts the tables and code blocks of other HTML into scrolling boxes."""
  return (
    markup.replace("<table>", f"<div {_region('Table')}><table>")
    .replace("</table>", "</table></div>")
    .replace("<pre>", f"<pre {_region('Printed by a run')}>")
  )


def details(summary, content):
  """Content that is folded away at first."""
  return f"<details><summary>{text(summary)}</summary>\n{content}\n</details>"


def figure(shown, width, quality):
  """A `pictures.Figure`; two pictures lie on each other under a slider."""
  if len(shown.pictures) == 1:
    (picture,) = shown.pictures
    return (
      f"<figure><div {_region('Picture')}>"
      f"{_image(picture, width, quality, least=_READABLE)}</div>"
      f"<figcaption>{text(shown.caption)}</figcaption></figure>"
    )
  one, other = shown.pictures
  side = one.pixels.shape[1]
  small = " small" if side < _SMALL else ""
  halves = "".join(
    f'<div class="{kind}">{_image(picture, width // 2, quality)}'
    f'<span class="label">{text(picture.label)}</span></div>'
    for kind, picture in (("before", one), ("after", other))
  )
  label = f"Left of the line: {one.label}; right of it: {other.label}"
  return (
    f'<figure class="pair{small}" style="--width: {max(side, _SMALL)}px">'
    f'<div class="stack">{halves}</div>'
    f'<label class="slider" hidden><span>{text(label)}</span>'
    '<input type="range" min="0" max="100" step="2" value="50"></label>'
    f"<figcaption>{text(shown.caption)}</figcaption></figure>"
  )


def _image(picture, width, quality, least=0):
  uri, (columns, rows) = pictures.data_uri(picture.pixels, width, quality)
  style = f' style="min-width: {min(least, columns)}px"' if least else ""
  return (
    f'<img src="{uri}" width="{columns}" height="{rows}" '
    f'alt="{text(picture.alt)}"{style}>'
  )


def _region(name):
  """Attributes of a box that can be scrolled by the keyboard, too."""
  return f'class="scroll" role="region" tabindex="0" aria-label="{text(name)}"'
