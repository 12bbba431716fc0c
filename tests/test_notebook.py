import pathlib

import pytest

_NOTEBOOK = pathlib.Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
# What the text of the notebook claims of its table, by the names it uses.
_CLAIMS = """
assert table["squared error"]["PSNR"] > table["contextual"]["PSNR"]
for measure in ("spectrum", "KL to", "sliced W"):
  best = table["contextual"][measure]
  assert best < 0.75 * table["squared error"][measure], measure
  assert best < 0.75 * table["bicubic"][measure], measure
"""


@pytest.mark.slow
def test_tutorial_runs_and_shows_what_it_claims(tmp_path):
  nbclient = pytest.importorskip("nbclient", reason="needs the extra `notebook`")
  nbformat = pytest.importorskip("nbformat")
  notebook = nbformat.read(_NOTEBOOK, as_version=4)
  notebook.cells.append(nbformat.v4.new_code_cell(_CLAIMS))
  client = nbclient.NotebookClient(
    notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}
  )
  client.execute()  # raises what a cell raises, the claims in the last one, too
  assert notebook.cells[-1].execution_count


def test_tutorial_is_stored_with_its_pictures_and_without_errors():
  nbformat = pytest.importorskip("nbformat", reason="needs the extra `notebook`")
  notebook = nbformat.read(_NOTEBOOK, as_version=4)
  outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
  assert not any(o.output_type == "error" for o in outputs)
  assert sum("image/png" in o.get("data", {}) for o in outputs) >= 2
  assert _NOTEBOOK.stat().st_size < 1_500_000
