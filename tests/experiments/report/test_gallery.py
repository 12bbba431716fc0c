import types

import numpy as np

from experiments.common import results
from experiments.report import gallery


def test_pictures_of_earlier_evaluations_are_left_out(tmp_path):
  picture = np.zeros((8, 8, 3), np.uint8)
  for scene, method in (("a-1", "old"), ("a-1", "cx"), ("b-1", "cx")):
    results.save_pictures(tmp_path, scene, {method: picture})
  rows = [{"set": "a", "image": "1", "method": "cx"}]
  run = types.SimpleNamespace(results={tmp_path: {"rows": rows}})
  figures, remarks = gallery.of(run)
  assert (len(figures), len(figures[0].pictures), remarks) == (1, 1, [])
