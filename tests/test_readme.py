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


def test_pictures_and_links_of_the_readme_exist():
  for target in re.findall(r"\]\(((?!http)[^)#]+)\)", _README):
    assert (_ROOT / target).exists(), target


def test_readme_is_a_front_page_whose_table_is_that_of_the_documentation():
  assert len(_README.splitlines()) <= 170
  table = re.search(r"(?:\|.*pretrained.*\n)+", _README)[0]
  assert table.count("\n") == 3 and re.search(r"\d\.\d", table)
  page = _ROOT / "docs" / "experiments" / "super_resolution.md"
  assert table in page.read_text("utf-8")
