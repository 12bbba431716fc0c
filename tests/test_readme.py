import pathlib
import re

_ROOT = pathlib.Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text()


def test_example_of_the_loss_runs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  blocks = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
  assert blocks
  for block in blocks:
    exec(compile(block, "README.md", "exec"), {})
  assert (tmp_path / "model.keras").exists()


def test_table_is_that_of_the_documentation():
  table = re.search(r"(?:\|.*pretrained.*\n)+", _README)[0]
  assert re.search(r"\d\.\d", table)
  page = _ROOT / "docs" / "experiments" / "super_resolution.md"
  assert table in page.read_text("utf-8")


def test_pictures_and_links_of_the_readme_exist():
  for target in re.findall(r"\]\(((?!http)[^)#]+)\)", _README):
    assert (_ROOT / target).exists(), target
