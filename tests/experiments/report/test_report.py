import re
import subprocess
import sys

import html5lib
import pytest

from experiments.common.run.errors import UserError
from experiments.report import claims, page
from experiments.twoafc import table_1
from tests.experiments import in_process
from tests.experiments.report import example_runs


def _page(*folders):
  text, _, problems = page.assemble(list(map(str, folders)))
  return text, {folder.name: reason for folder, reason in problems}


def _tree(text):
  """The page's elements; raises at the first departure from HTML5."""
  return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def _words(element):
  return " ".join(" ".join(element.itertext()).split())


@pytest.fixture(name="folder")
def _folder(tmp_path):
  for name in ("sr", "toy2d"):
    getattr(example_runs, name)(tmp_path / "runs" / name)
  return tmp_path / "runs"


def test_page_is_valid_and_whole_in_itself(folder):
  text, problems = _page(folder)
  assert not problems
  tree = _tree(text)
  assert tree.get("lang") == "en" and _words(tree.find("head/title"))
  ids = [e.get("id") for e in tree.iter() if e.get("id")]
  assert len(ids) == len(set(ids))
  links = [e.get("href") for e in tree.iter("a")]
  assert links and {link[1:] for link in links} <= set(ids)
  pictures = list(tree.iter("img"))
  assert len(pictures) == 4
  for picture in pictures:
    assert picture.get("src").startswith("data:image/webp;base64,")
    assert picture.get("alt").strip()
  assert not re.search(r"(src|href)=.(http|//|/)|url\(|@import", text)


def test_run_is_shown_with_command_means_evaluation_pictures_curves_and_settings(
  folder,
):
  articles = {e.get("id"): e for e in _tree(_page(folder)[0]).iter("article")}
  assert list(articles) == ["sr-1", "toy2d-1"]
  words = _words(articles["sr-1"])
  assert f"python -m experiments.sr --seed=7 --output_dir={folder}/sr" in words
  assert "method PSNR mse 30.00 ours 28.00" in words
  assert "PSNR: dB on Y, borders cut off; higher is better." in words
  assert "set method NIQE SET5 ours 5.25" in words
  # What no method made comes first, then methods in the order of the table.
  assert "HR mse ours" in words
  # One curve: a value that never changes is none.
  assert "1 curve of the training" in words
  assert "mse: loss, 24 steps: 1 to 0.25, between 0.25 and 1" in words
  assert "seed 7" in words and "block3_conv4" in words and "keras 3.15.1" in words
  # A column that only this experiment has.
  assert "set of shrunk 15.0 of: points in a set." in _words(articles["toy2d-1"])
  assert "matches" in _words(articles["toy2d-1"])


def test_claims_stand_beside_the_runs_that_measure_them(folder):
  tree = _tree(_page(folder)[0])
  sections = {e.get("id"): _words(e) for e in tree.iter("section")}
  for claim in claims.read():
    assert f"{claim.state} {claim.text}" in sections[claim.experiment]
  assert "python -m experiments.twoafc --flagfile=twoafc.flags" in sections["twoafc"]


def test_cells_of_table_1_in_which_the_papers_loss_loses_are_claims():
  losing = {
    (net, title): f"{cx} / {l2}"
    for net in ("Squeeze", "Alex", "VGG")
    for title in table_1.COLUMNS
    if (cx := table_1.paper_value(f"{net} CX", title))
    < (l2 := table_1.paper_value(f"{net} L2", title))
  }
  assert len(losing) == 5
  stated = {c.text.split()[0]: c.where for c in claims.read() if "less often" in c.text}
  for (net, _), values in losing.items():
    assert values in stated[net]


def test_table_1_stands_beside_the_papers(tmp_path):
  run = example_runs.start(tmp_path / "run", "twoafc")
  example_runs.finish(run, [{"distance": "VGG CX", "all": 68.0, "SR": None}])
  assert "VGG CX 68.0 / 68.2" in _words(_tree(_page(run)[0]))


@pytest.mark.parametrize(
  ("table", "problem"),
  [("| a | S 1 | experiments.sr | 1 | maybe |", "no claim"), ("| a | b |", "no claim")],
)
def test_row_that_is_no_claim_is_refused(tmp_path, table, problem):
  path = tmp_path / "page.md"
  path.write_text(f"# Page\n\n## Claims\n\n| claim |\n|---|\n{table}\n\n## Next\n")
  with pytest.raises(ValueError, match=problem):
    claims.read(path)


def _truncate(name):
  return lambda run: (run / name).write_text('{"rows": [{')


def _no_numbers(run):
  (run / "metrics.json").write_text('{"rows": [{"method": "ours", "psnr_y": [1]}]}')


@pytest.mark.parametrize(
  ("breakage", "reason", "shown"),
  [
    (lambda run: (run / "metrics.json").unlink(), "its log ends at step 24", False),
    (_no_numbers, "rows must hold strings and numbers", False),
    (_truncate("metrics.json"), "metrics.json is damaged", False),
    (_truncate("run.json"), "run.json is damaged", False),
    (lambda run: (run / "run.json").write_text("{}"), "run.json is damaged", False),
    (lambda run: (run / "run.json").unlink(), "there is no run.json", False),
    (lambda run: (run / "settings.json").unlink(), "it is no run folder", False),
    (
      lambda run: (run / "pictures" / "a" / "mse.png").write_bytes(b"PNG"),
      "cannot identify",
      True,
    ),
  ],
)
def test_broken_runs_are_named_and_the_others_shown(tmp_path, breakage, reason, shown):
  example_runs.toy2d(tmp_path / "whole")
  breakage(example_runs.sr(tmp_path / "broken"))
  text, problems = _page(tmp_path)
  assert list(problems) == ["broken"] and reason in problems["broken"]
  tree = _tree(text)
  assert reason in _words(tree)
  assert len(list(tree.iter("article"))) == 1 + shown


def test_names_cannot_become_markup(tmp_path):
  name = "a<b>&\"c'{{ lead }}"
  run = example_runs.sr(tmp_path / "runs" / name, image="<i>x&y", ours="<u>ours")
  example_runs.finish(run, [{"method": "<script>x", "<u>": 1.0}])
  text, problems = _page(tmp_path / "runs")
  assert not problems
  tree = _tree(text)
  assert len(list(tree.iter("script"))) == 1
  assert not list(tree.iter("i")) and not list(tree.iter("u"))
  assert name in _words(tree) and "method <u> <script>x 1" in _words(tree)


def test_same_runs_give_the_same_bytes(folder):
  # Named twice, a run is shown once.
  assert _page(folder, folder / "sr")[0] == _page(folder)[0]


def test_nested_runs_are_shown_only_when_they_are_named(folder):
  example_runs.toy2d(folder / "sr" / "of_its_own")
  assert "of_its_own" not in _page(folder)[0]
  assert "of_its_own" in _page(folder / "sr" / "of_its_own")[0]


def test_command_line_reports_a_real_run(tmp_path):
  run, output = tmp_path / "run", tmp_path / "new" / "report.html"
  tiny = ["--draws=20", "--samples=100", "--offsets=3", "--curve_draws=2"]
  in_process.succeed("toy2d", *tiny, f"--output_dir={run}")
  arguments = [f"--runs={run}", f"--output={output}"]
  out, _ = in_process.succeed("report", *arguments)
  assert f"{output}: runs 1, pictures 2, " in out
  words = _words(_tree(output.read_text("utf-8")))
  assert "python -m experiments.toy2d --draws=20" in words and "draws 20" in words


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--output=x.pdf", "--output must end in .html"),
    ("--runs=/nowhere", "'/nowhere', which is no folder"),
    ("--runs=", "--runs must name"),
  ],
)
def test_mistakes_end_in_one_line(arguments, message):
  code, _, err = in_process.run("report", arguments)
  assert code == 1 and message in err
  assert len(err.strip().splitlines()) == 1


def test_folder_without_run_folders_is_refused(tmp_path):
  with pytest.raises(UserError, match="in which there is no folder"):
    _page(tmp_path)


def test_page_is_made_without_tensorflow():
  code = "import sys, experiments.report.__main__; print('tensorflow' in sys.modules)"
  done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
  assert done.stdout.strip() == "False", done.stderr
