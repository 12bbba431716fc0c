import pathlib
import re

_README = (pathlib.Path(__file__).parents[1] / "README.md").read_text()


def test_example_of_the_loss_runs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  blocks = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
  assert blocks
  for block in blocks:
    exec(compile(block, "README.md", "exec"), {})
  assert (tmp_path / "model.keras").exists()


def test_pictures_and_links_of_the_readme_exist():
  for target in re.findall(r"\]\(((?!http)[^)#]+)\)", _README):
    assert (pathlib.Path(__file__).parents[1] / target).exists(), target
