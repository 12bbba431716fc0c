"""The page, put together from the runs."""

import pathlib
import string

from experiments.report import document, judges, markup, paper

_TEMPLATE = pathlib.Path(__file__).with_name("template.html")
_ORDER = (judges.HOLDS, judges.PARTLY, judges.FAILS, judges.OPEN)


def build(runs, galleries, broken, width, quality):
  """The page as text.

  Args:
    runs: list of `runs.Run`.
    galleries: for each run, `(figures, remarks)` of `gallery.of`.
    broken: list of `(folder, reason)`.
    width: largest width of pictures in pixels.
    quality: of photographs, see `pictures.data_uri`.
  """
  # Each experiment with the runs of it: (id on the page, run, gallery).
  grouped = {experiment: [] for experiment in paper.EXPERIMENTS}
  for run, gallery in zip(runs, galleries, strict=True):
    group = grouped[run.experiment]
    group.append((f"{run.experiment.key}-{len(group) + 1}", run, gallery))
  return string.Template(_TEMPLATE.read_text("utf-8")).substitute(
    lead=_lead(grouped, broken),
    contents=_contents(broken),
    summary="\n".join(_summary(e, group) for e, group in grouped.items()),
    sections="\n".join(
      _section(e, group, width, quality) for e, group in grouped.items()
    ),
    loss=_deviations("The loss"),
    not_run=_not_run(grouped),
    broken=_broken(broken),
  )


def _lead(grouped, broken):
  runs = [run for group in grouped.values() for _, run, _ in group]
  verdicts = [finding.verdict for run in runs for _, finding in run.findings]
  counts = ", ".join(f"{v} {verdicts.count(v)}" for v in _ORDER if v in verdicts)
  present = sum(bool(group) for group in grouped.values())
  sentences = [
    f"{_count(len(runs), 'finished run')} of {present} of the paper's {len(grouped)} "
    "experiments."
  ]
  if verdicts:
    sentences.append(
      f"{_count(len(verdicts), 'verdict')} on the paper's claims: {counts}."
    )
  if broken:
    sentences.append(f"{_count(len(broken), 'folder')} without a finished run.")
  return markup.text(" ".join(sentences))


def _count(number, noun):
  return f"{number} {noun}{'' if number == 1 else 's'}"


def _contents(broken):
  entries = [("summary", "Summary")]
  entries += [(e.key, f"{e.title} ({e.part})") for e in paper.EXPERIMENTS]
  entries += [("loss", "The loss"), ("not-run", "What was not run")]
  if broken:
    entries.append(("broken", "Unfinished and broken runs"))
  return "\n".join(
    f'<li><a href="#{key}">{markup.text(title)}</a></li>' for key, title in entries
  )


def _summary(experiment, group):
  """The experiment's claims, and the verdict of each run."""
  heading = f'<a href="#{experiment.key}">{markup.text(experiment.title)}</a>'
  if not group:
    return f'<li>{heading}: <span class="verdict open">not run</span></li>'
  claims = []
  for number, (claim, _) in enumerate(group[0][1].findings):
    verdicts = " ".join(
      f'<a class="plain" href="#{key}">'
      + markup.verdict(run.findings[number][1].verdict, f": {run.folder.name}")
      + "</a>"
      for key, run, _ in group
    )
    claims.append(f"<li>{markup.text(claim.text)}<br>{verdicts}</li>")
  return f"<li>{heading}\n<ul>\n" + "\n".join(claims) + "\n</ul></li>"


def _section(experiment, group, width, quality):
  parts = [
    f'<section id="{experiment.key}">',
    f"<h2>{markup.text(experiment.title)}</h2>",
    f'<p class="part">{markup.text(experiment.part)}</p>',
  ]
  parts += [_run(key, run, gallery, width, quality) for key, run, gallery in group]
  if not group:
    parts.append("<p>Not run. To run it in minutes, and with the paper's values:</p>")
    for entry in experiment.entries:
      flags = (entry.quick, *entry.paper)
      parts += [markup.command(entry.command(name)) for name in flags]
  parts += [_deviations(f"`experiments.{experiment.key}`"), "</section>"]
  return "\n".join(parts)


def _run(key, run, gallery, width, quality):
  figures, remarks = gallery
  parts = [
    f'<article id="{key}">',
    f"<h3>{markup.text(run.folder)}</h3>",
    f"<p>{markup.text(_facts(run))}</p>",
    markup.command(run.command),
    '<ol class="claims">',
    *(_claim(claim, finding) for claim, finding in run.findings),
    "</ol>",
    *(markup.table(*table) for table in run.tables),
    *(markup.figure(figure, width, quality) for figure in figures),
  ]
  if remarks:
    items = "".join(f"<li>{markup.text(remark)}</li>" for remark in remarks)
    parts.append(f'<ul class="remarks">{items}</ul>')
  for name, differences in run.departures.items():
    if differences:
      parts.append(
        markup.details(
          f"Differs from {name}, the paper's size, in "
          f"{_count(len(differences), 'flag')}",
          markup.table("", ["flag", name, "this run"], differences),
        )
      )
  return "\n".join([*parts, "</article>"])


def _facts(run):
  full = [name for name, found in run.departures.items() if not found]
  size = f"All values of {full[0]}." if full else "Not the paper's size, see below."
  packages = run.record.get("packages")
  versions = ""
  if isinstance(packages, dict):
    known = [f"{n} {packages[n]}" for n in ("tensorflow", "keras") if n in packages]
    versions = f" Made with {', '.join(known)}." if known else ""
  return f"{size} Seed {run.flags.get('seed', 'not recorded')}.{versions}"


def _claim(claim, finding):
  return (
    f"<li>{markup.verdict(finding.verdict)} {markup.text(claim.text)}\n<dl>"
    f"<dt>Paper</dt><dd>{markup.text(claim.paper)} ({markup.text(claim.source)})</dd>"
    f"<dt>This run</dt><dd>{markup.text(finding.ours)}</dd></dl></li>"
  )


def _deviations(heading):
  return markup.details(
    "Settings, deviations and what the paper leaves open, from docs/reproduction.md",
    markup.boxed(document.section(heading)),
  )


def _not_run(grouped):
  """Flagfiles of the paper's size that no run has all values of."""
  items = []
  for experiment, group in grouped.items():
    for entry in experiment.entries:
      runs = [run for _, run, _ in group if run.entry is entry]
      made = {name for run in runs for name, d in run.departures.items() if not d}
      for name in entry.paper:
        if name not in made:
          items.append(
            f"<li>{markup.text(experiment.title)}"
            + ("" if runs else f" (no run of <code>{entry.name}</code> at all)")
            + f": <code>{name}</code>. It takes {markup.text(entry.cost)}."
            f"{markup.command(entry.command(name))}</li>"
          )
  return "<ul>\n" + "\n".join(items) + "\n</ul>" if items else "<p>Nothing.</p>"


def _broken(broken):
  if not broken:
    return ""
  rows = [(str(folder), reason) for folder, reason in broken]
  return (
    '<section id="broken"><h2>Unfinished and broken runs</h2>\n'
    + markup.table("", ["folder", "why it is not shown"], rows)
    + "</section>"
  )
