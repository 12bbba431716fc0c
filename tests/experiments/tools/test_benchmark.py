from experiments.tools import benchmark, passes, processes


def test_rows_have_ratios_and_show_what_does_not_fit(monkeypatch):
  seconds = {"products": 2.0, "ours": 3.0}
  asked = []

  def best(problems, rounds):
    asked.append((list(problems), rounds))
    return {
      name: {"seconds": seconds[name], "memory": 0.5, "start": 0.3} for name in problems
    }

  monkeypatch.setattr(processes, "best", best)
  monkeypatch.setattr(passes, "fits", lambda method, _: method != "dense")
  methods = ["products", "ours", "dense", "port"]
  rows = benchmark.compare("50x8", "tensorflow", methods, rounds=2)
  keys = ("method", "seconds", "ratio", "memory", "start")
  assert [tuple(row[key] for key in keys) for row in rows] == [
    ("products", 2.0, 1.0, 0.5, 0.3),
    ("ours", 3.0, 1.5, 0.5, 0.3),
    ("dense", None, None, None, None),
  ]
  assert asked == [(["products", "ours"], 2)]


def test_steps_are_compared_at_equal_precision(monkeypatch):
  seconds = {
    ("vgg", "float32"): 2.0,
    ("contextual", "float32"): 3.0,
    ("vgg", "mixed_bfloat16"): 1.0,
    ("contextual", "mixed_bfloat16"): 1.1,
  }
  monkeypatch.setattr(
    processes,
    "_in_process",
    lambda _, __, loss, precision, batch, side: {
      "seconds": seconds[loss, precision],
      "memory": batch / side,
    },
  )
  rows = benchmark.compare_steps("8x96", rounds=2)
  assert [row["step_ratio"] for row in rows] == [1.0, 1.5, 1.0, 1.1]
  assert {row["memory"] for row in rows} == {8 / 96}
