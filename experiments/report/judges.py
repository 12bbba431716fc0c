"""What a run's numbers say to a claim.

A judge is a function from the values of `results.values` to a `Finding`.
"""

import typing

from experiments.report import measures

HOLDS, PARTLY, FAILS, OPEN = "holds", "in part", "does not hold", "not measured"


class Finding(typing.NamedTuple):
  """What a run says to a claim: one of the verdicts above, and its numbers."""

  verdict: str
  ours: str


def less(measure, one, other, key=lambda value: value):
  """Judges whether one method is below another in a measure."""

  def judge(rows):
    a, b = (rows.get(name, {}).get(measure) for name in (one, other))
    if a is None or b is None:
      return Finding(OPEN, f"the run has not measured {one} and {other}")
    return Finding(
      HOLDS if key(a) < key(b) else FAILS, _values(measure, {one: a, other: b})
    )

  return judge


def _values(measure, values):
  numbers = ", ".join(f"{n} {measures.text(measure, v)}" for n, v in values.items())
  return f"{measures.title(measure)}: {numbers}"


def on_validation(judge):
  """Judges the values of `sr` by those of its validation."""
  return lambda values: judge(values["validation"])


def more_natural(values):
  """Whether ours is better than squared error and bicubic interpolation on each set.

  By NIQE, or by LPIPS where there is none, of the values of `sr`; on the validation
  photographs where no other set was evaluated.
  """
  better, told = [], []
  sets = values["sets"] or {"validation": values["validation"]}
  for name, rows in sets.items():
    for measure in ("niqe", "lpips"):
      known = {m: rows.get(m, {}).get(measure) for m in ("ours", "mse", "bicubic")}
      known = {method: value for method, value in known.items() if value is not None}
      if "ours" in known and len(known) > 1:
        better.append(min(known, key=known.get) == "ours")
        told.append(f"{name}, {_values(measure, known)}")
        break
  if not better:
    return Finding(OPEN, "no evaluation with NIQE or LPIPS; see figure 4 for spectra")
  verdict = HOLDS if all(better) else PARTLY if any(better) else FAILS
  return Finding(verdict, "; ".join(told))


def l1_is_l2(rows):
  if not {"l1", "l2", "cx"} <= rows.keys():
    return Finding(OPEN, "the run has not trained l1, l2 and cx")
  values = {name: rows[name]["spectrum_db"] for name in ("l1", "l2", "cx")}
  similar = abs(values["l1"] - values["l2"]) < abs(values["cx"] - values["l2"]) / 4
  return Finding(HOLDS if similar else FAILS, _values("spectrum_db", values))


def closes_the_gap(loss, most=None):
  """Judges the share of the overlap that the input lacks and a loss restores.

  Args:
    loss: its name in the table.
    most: the claim is that no more than this share is restored; by default, that more
      than a half is.
  """

  def judge(rows):
    if loss not in rows:
      return Finding(OPEN, f"the run has not optimised {loss}")
    start, end, best = (rows[n]["overlap"] for n in ("input", loss, "target, moved"))
    share = (end - start) / (best - start)
    if most is None:
      verdict = HOLDS if share > 0.5 else PARTLY if share > 0 else FAILS
    else:
      verdict = HOLDS if share <= most else FAILS
    numbers = _values("overlap", {"input": start, loss: end, "target, moved": best})
    told = f"{100 * abs(share):.0f} % {'narrower' if share > 0 else 'wider'} a gap"
    return Finding(verdict, f"{told}; {numbers}")

  return judge


def support(losses, least=0.0, most=1.0):
  """Judges the share of the image that influences a gradient at all."""

  def judge(values):
    found = {loss: [] for loss in losses}
    for entry in values["support"]:
      if entry["loss"] in found:
        found[entry["loss"]].append(entry["share_above_zero"])
    inside = [least <= s <= most for shares in found.values() for s in shares]
    if not inside:
      return Finding(OPEN, f"the run has not computed {' or '.join(losses)}")
    verdict = HOLDS if all(inside) else PARTLY if any(inside) else FAILS
    told = "; ".join(
      f"{loss} {', '.join(f'{100 * share:.2f} %' for share in shares)}"
      for loss, shares in found.items()
      if shares
    )
    return Finding(verdict, f"share of the image with any influence: {told}")

  return judge


# The methods of figure 4, by what they aim at.
_FOR_PSNR = ("bicubic", "lapsrn", "srresnet", "srresnet-mse")
_FOR_LOOKS = ("srgan", "enhancenet", "ours")


def _spectra(rows, names):
  return {
    name: row["spectrum_db"]
    for name, row in rows.items()
    if name.lower() in names and "spectrum_db" in row
  }


def groups(rows):
  blurred, natural = _spectra(rows, _FOR_PSNR), _spectra(rows, _FOR_LOOKS)
  if not blurred or not natural:
    return Finding(OPEN, "the run has no spectra of methods of both groups")
  apart = max(natural.values()) < min(blurred.values())
  closer = _mean(natural) < _mean(blurred)
  verdict = HOLDS if apart else PARTLY if closer else FAILS
  return Finding(verdict, _values("spectrum_db", {**blurred, **natural}))


def ours_is_closest(rows):
  values = _spectra(rows, (*_FOR_PSNR, *_FOR_LOOKS))
  ours = next((name for name in values if name.lower() == "ours"), None)
  if ours is None or len(values) < 3:
    return Finding(OPEN, "the run has no spectra of ours and of others")
  order = sorted(values, key=values.get)
  rank = order.index(ours) + 1
  told = _values("spectrum_db", {name: values[name] for name in order})
  return Finding(
    HOLDS if rank == 1 else FAILS, f"ours is number {rank} of {len(order)}; {told}"
  )


def _mean(values):
  return sum(values.values()) / len(values)


def more_diverse(values):
  sets = values["matches"]
  more = [row["contextual"] > row["chamfer"] for row in sets.values()]
  told = "; ".join(
    f"{name} {row['contextual']:.2f} against {row['chamfer']:.2f} of {row['points']}"
    for name, row in sets.items()
  )
  verdict = HOLDS if all(more) else PARTLY if any(more) else FAILS
  return Finding(verdict, f"distinct points matched: {told}")


def follows_the_divergence(values):
  found = values["deviation_from_closed_form"]
  contextual, chamfer = found["contextual"], found["chamfer"]
  return Finding(
    HOLDS if contextual < chamfer else FAILS,
    f"largest deviation of the scaled curves from the closed form: contextual "
    f"{contextual:.3f}, Chamfer {chamfer:.3f}",
  )


def agreement(net):
  """Judges whether a net agrees more often with people under L_CX than under L2."""

  def judge(values):
    rows = values["columns"]
    if "Human" not in rows:
      return Finding(OPEN, "generated triplets, which nobody has judged")
    pair = [rows.get(f"{net} {distance}", {}).get("all") for distance in ("CX", "L2")]
    if None in pair:
      return Finding(OPEN, f"the run has not measured {net} on all subsets")
    told = f"{pair[0]:.1f} % under L_CX, {pair[1]:.1f} % under L2"
    return Finding(HOLDS if pair[0] > pair[1] else FAILS, told)

  return judge
