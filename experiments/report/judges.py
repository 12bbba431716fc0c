"""Judges the paper's claims by a run's numbers.

A judge is a function from rows (`common.tables`), means over images, to a `Finding`.
Rows with the label `set` are of a later evaluation, or of sets of points.
"""

import statistics
import typing

from experiments.common import tables

HOLDS, PARTLY, FAILS, OPEN = "holds", "in part", "does not hold", "not measured"


class Finding(typing.NamedTuple):
  """A run's answer to a claim: one of the verdicts above, and its numbers."""

  verdict: str
  ours: str


def less(measure, one, other, key=lambda value: value):
  """Judges whether one method is below another in a measure."""

  def judge(rows):
    values = _values(rows, measure, (one, other))
    if len(values) < 2:
      return Finding(OPEN, f"the run has not measured {one} and {other}")
    a, b = values.values()
    return Finding(HOLDS if key(a) < key(b) else FAILS, _told(measure, values))

  return judge


def either(*judges):
  """Judges by the first judge whose numbers the run has."""

  def judge(rows):
    findings = [judge(rows) for judge in judges]
    measured = (finding for finding in findings if finding.verdict != OPEN)
    return next(measured, findings[0])

  return judge


def _values(rows, measure, names, in_set=None):
  """Dict of a measure of those methods in `names` that have it, in that order.

  Names are compared in lower case; the keys are written as in the rows.
  """
  by_name = {
    row["method"].lower(): (row["method"], row[measure])
    for row in rows
    if row.get("set") == in_set
    and isinstance(row.get("method"), str)
    and isinstance(row.get(measure), int | float)
  }
  return dict(by_name[name.lower()] for name in names if name.lower() in by_name)


def _told(measure, values):
  known = tables.measure_of(measure)
  numbers = ", ".join(f"{name} {known.text(value)}" for name, value in values.items())
  return f"{known.title}: {numbers}"


def more_natural(rows):
  """Judges whether ours is better than squared error and bicubic on each set.

  By NIQE, or by LPIPS where there is none; on the validation photographs where no other
  set was evaluated.
  """
  sets = dict.fromkeys(row["set"] for row in rows if row.get("set")) or [None]
  own = {"generator_mse": "mse"}  # An evaluation names networks by their files.
  if any(row.get("method") == "ours" for row in rows):
    own = {"generator": "ours", **own}
  better, told = [], []
  for name in sets:
    for measure in ("niqe", "lpips"):
      values = _values(rows, measure, ("ours", *own, "mse", "bicubic"), name)
      values = {own.get(method, method): value for method, value in values.items()}
      if "ours" in values and len(values) > 1:
        better.append(min(values, key=values.get) == "ours")
        told.append(f"{name or 'validation'}, {_told(measure, values)}")
        break
  if not better:
    return Finding(OPEN, "no evaluation with NIQE or LPIPS; see figure 4 for spectra")
  return Finding(_verdict(better), "; ".join(told))


def _verdict(truths):
  return HOLDS if all(truths) else PARTLY if any(truths) else FAILS


def l1_is_l2(rows):
  """Judges whether the spectra of L1 and L2 are much closer than those of CX and L2."""
  values = _values(rows, "spectrum_db", ("l1", "l2", "cx"))
  if len(values) < 3:
    return Finding(OPEN, "the run has not trained l1, l2 and cx")
  l1, l2, cx = values.values()
  similar = abs(l1 - l2) < abs(cx - l2) / 4
  return Finding(HOLDS if similar else FAILS, _told("spectrum_db", values))


def closes_the_gap(loss, most=None):
  """Judges the share of the overlap that the input lacks and a loss restores.

  Args:
    loss: its name in the table.
    most: the claim is that no more than this share is restored; by default, that more
      than a half is.
  """

  def judge(rows):
    values = _values(rows, "overlap", ("input", loss, "target, moved"))
    if len(values) < 3:
      return Finding(OPEN, f"the run has not optimised {loss}")
    start, end, best = values.values()
    if best == start:
      return Finding(OPEN, "the input lacks no overlap")
    share = (end - start) / (best - start)
    if most is None:
      verdict = HOLDS if share > 0.5 else PARTLY if share > 0 else FAILS
    else:
      verdict = HOLDS if share <= most else FAILS
    told = f"{100 * abs(share):.0f} % {'narrower' if share > 0 else 'wider'} a gap"
    return Finding(verdict, f"{told}; {_told('overlap', values)}")

  return judge


def support(losses, least=0, most=100):
  """Judges the share of the image, in %, that influences a gradient at all."""

  def judge(rows):
    shares = [
      (row["loss"], row["share_above_zero"])
      for loss in losses
      for row in rows
      if row.get("loss") == loss
    ]
    if not shares:
      return Finding(OPEN, f"the run has not computed {' or '.join(losses)}")
    told = ", ".join(f"{loss} {share:.2f} %" for loss, share in shares)
    verdict = _verdict([least <= share <= most for _, share in shares])
    return Finding(verdict, f"share of the image with any influence: {told}")

  return judge


# The methods of figure 4, by their aims.
_FOR_PSNR = ("bicubic", "lapsrn", "srresnet", "srresnet-mse")
_FOR_LOOKS = ("srgan", "enhancenet", "ours")


def groups(rows):
  """Judges whether the methods that aim at looks have the more natural spectra."""
  blurred, natural = (
    _values(rows, "spectrum_db", names) for names in (_FOR_PSNR, _FOR_LOOKS)
  )
  if not blurred or not natural:
    return Finding(OPEN, "the run has no spectra of methods of both groups")
  apart = max(natural.values()) < min(blurred.values())
  closer = statistics.mean(natural.values()) < statistics.mean(blurred.values())
  verdict = HOLDS if apart else PARTLY if closer else FAILS
  return Finding(verdict, _told("spectrum_db", {**blurred, **natural}))


def ours_is_closest(rows):
  """Judges whether ours has the most natural spectrum of all methods."""
  values = _values(rows, "spectrum_db", (*_FOR_PSNR, *_FOR_LOOKS))
  ours = next((name for name in values if name.lower() == "ours"), None)
  if ours is None or len(values) < 3:
    return Finding(OPEN, "the run has no spectra of ours and of others")
  order = sorted(values, key=values.get)
  rank = order.index(ours) + 1
  told = _told("spectrum_db", {name: values[name] for name in order})
  return Finding(
    HOLDS if rank == 1 else FAILS, f"ours is number {rank} of {len(order)}; {told}"
  )


def more_diverse(rows):
  """Judges whether contextual matches hit more distinct points than Chamfer's."""
  sets = [row for row in rows if row.get("set")]
  if not sets:
    return Finding(OPEN, "the run has matched no sets")
  more = [row["contextual"] > row["chamfer"] for row in sets]
  told = "; ".join(
    f"{row['set']} {row['contextual']:.2f} against {row['chamfer']:.2f} "
    f"of {row['points']:.0f}"
    for row in sets
  )
  return Finding(_verdict(more), f"distinct points matched: {told}")


def follows_the_divergence(rows):
  """Judges whether the contextual loss is closer to the divergence than Chamfer."""
  found = {r["measure"].lower(): r["deviation"] for r in rows if r.get("measure")}
  if not {"contextual", "chamfer"} <= found.keys():
    return Finding(OPEN, "the run has estimated no divergence")
  contextual, chamfer = found["contextual"], found["chamfer"]
  return Finding(
    HOLDS if contextual < chamfer else FAILS,
    f"largest deviation of the scaled curves from the closed form: contextual "
    f"{contextual:.3f}, Chamfer {chamfer:.3f}",
  )


def agreement(net):
  """Judges whether a net agrees more often with people under L_CX than under L2."""

  def judge(rows):
    scores = {row["distance"]: row.get("all") for row in rows if row.get("distance")}
    if "Human" not in scores:
      return Finding(OPEN, "generated triplets, which nobody has judged")
    pair = [scores.get(f"{net} {distance}") for distance in ("CX", "L2")]
    if None in pair:
      return Finding(OPEN, f"the run has not measured {net} on all subsets")
    told = f"{pair[0]:.1f} % under L_CX, {pair[1]:.1f} % under L2"
    return Finding(HOLDS if pair[0] > pair[1] else FAILS, told)

  return judge
