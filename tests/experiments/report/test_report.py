import json
import re

import html5lib
import pytest

from experiments.common import results
from experiments.common.data import images
from experiments.common.run.errors import UserError
from experiments.report import claims, flagfiles, judges, page, runs
from tests.experiments import in_process
from tests.experiments.report import example_runs


def _page(*folders, **kwargs):
  text, _, problems = page.assemble(list(map(str, folders)), **kwargs)
  return text, {folder.name: reason for folder, reason in problems}


def _tree(text):
  """The page's elements; raises at the first departure from HTML5."""
  parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
  return parser.parse(text)


def _words(element):
  return " ".join(" ".join(element.itertext()).split())


def _verdicts(run):
  return [finding.verdict for _, finding in run.findings]


@pytest.fixture(name="folder")
def _folder(tmp_path):
  """A folder of runs of five experiments."""
  base = tmp_path / "runs"
  for name in ("sr", "normals", "distributions", "toy2d", "compare_sr"):
    getattr(example_runs, name)(base / name)
  return base


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
  assert len(pictures) > 10
  for picture in pictures:
    assert picture.get("src").startswith("data:image/webp;base64,")
    assert picture.get("alt").strip()
  assert not re.search(r"(src|href)=.(http|//|/)|url\(|@import", text)


def test_runs_are_shown_with_verdicts_commands_numbers_and_pictures(folder):
  tree = _tree(_page(folder)[0])
  articles = {e.get("id"): e for e in tree.iter("article")}
  assert list(articles) == [
    "sr-1",
    "normals-1",
    "distributions-1",
    "power_spectrum-1",
    "toy2d-1",
  ]
  sr = _words(articles["sr-1"])
  assert (
    f"python -m experiments.sr --flagfile=sr_quick.flags --output_dir={folder}" in sr
  )
  assert "holds Natural looks cost PSNR" in sr and "ours 28.00, mse 30.00" in sr
  assert "ours 24.58 dB" in sr and "Differs from sr.flags" in sr
  assert "a: bicubic against ours" in sr and "a: HR, mse" in sr
  assert "PSNR: dB on Y, borders cut off; higher is better." in sr
  assert "does not hold The contextual loss helps" in _words(articles["normals-1"])
  sliders = [e for e in tree.iter("input") if e.get("type") == "range"]
  assert len(sliders) == 5  # two photographs, a room, patches, a detail


def test_what_was_not_run_is_named_with_the_command_that_would(folder):
  tree = _tree(_page(folder)[0])
  sections = {e.get("id"): _words(e) for e in tree.iter("section")}
  assert "Not run." in sections["single_image"]
  quick = "python -m experiments.single_image --flagfile=single_image_quick.flags"
  assert quick in sections["single_image"]
  missing = sections["not-run"]
  assert "python -m experiments.sr --flagfile=sr.flags" in missing
  assert "(no run of twoafc at all): twoafc.flags" in missing
  assert "--data_dir=BAPPS/2afc" in missing and "toy2d_quick" not in missing


def test_run_with_all_values_of_the_paper_is_not_missing(tmp_path):
  example_runs.toy2d(tmp_path / "full", **flagfiles.read("toy2d.flags"))
  tree = _tree(_page(tmp_path)[0])
  sections = {e.get("id"): _words(e) for e in tree.iter("section")}
  assert "All values of toy2d.flags." in sections["toy2d"]
  assert "toy2d.flags" not in sections["not-run"]


def test_verdicts_follow_the_numbers(tmp_path):
  better = runs.read(example_runs.sr(tmp_path / "better", ours=31.0))
  assert _verdicts(better) == [judges.FAILS, judges.OPEN]
  # The numbers in docs/reproduction.md: the groups part, but EnhanceNet is closest.
  compared = runs.read(example_runs.compare_sr(tmp_path / "compare_sr"))
  assert _verdicts(compared) == [judges.HOLDS, judges.FAILS]
  assert "ours is number 2 of 6" in compared.findings[1][1].ours
  moved = runs.read(example_runs.distributions(tmp_path / "distributions"))
  assert _verdicts(moved) == [judges.HOLDS, judges.HOLDS, judges.OPEN]
  assert moved.findings[0][1].ours.startswith("61 % narrower a gap")
  fewer = runs.read(example_runs.toy2d(tmp_path / "fewer", contextual=3.0))
  assert _verdicts(fewer) == [judges.FAILS, judges.HOLDS]


def test_later_evaluation_is_shown_and_judges_looks(tmp_path):
  run = example_runs.sr(tmp_path / "run")
  rows = example_runs.rows(
    "niqe", {"bicubic": 7.5, "generator": 5.25, "original": 4.0}, set="SET5", lpips=None
  )
  shown = {name: example_runs.picture(1) for name in ("bicubic", "generator")}
  results.save_pictures(run / "evaluation", "SET5/baby", shown)
  results.write(run / "evaluation", rows)
  evaluated = runs.read(run)
  assert _verdicts(evaluated) == [judges.HOLDS, judges.HOLDS]
  assert evaluated.findings[1][1].ours == "SET5, NIQE: ours 5.25, bicubic 7.50"
  words = _words(_tree(_page(run)[0]))
  assert "SET5/baby: bicubic against generator" in words
  assert "original SET5 4.00" in words
  # Another method's network is not ours.
  other = example_runs.sr(tmp_path / "other", own="srgan")
  results.write(other / "evaluation", rows)
  assert _verdicts(runs.read(other)) == [judges.OPEN, judges.OPEN]


def test_ablation_is_judged_by_all_terms_against_l1(tmp_path):
  run = example_runs.normals(tmp_path / "run", "normals.ablation", "CX + L1")
  assert _verdicts(runs.read(run)) == [judges.FAILS, judges.HOLDS]
  words = _words(_tree(_page(run)[0]))
  assert "python -m experiments.normals.ablation --flagfile=normals_quick" in words
  assert "The paper has no such run." in words


def test_panels_are_shown_where_there_are_no_pictures(tmp_path):
  example_runs.panel(example_runs.toy2d(tmp_path / "without"))
  example_runs.panel(example_runs.normals(tmp_path / "with"))
  text = _page(tmp_path)[0]
  assert text.count("a: panel 1 of 1") == 1
  assert "room: image against ours" in text


def test_table_1_stands_beside_the_papers(tmp_path):
  run = example_runs.start(tmp_path / "run", "twoafc")
  measured = [
    {"distance": "Human", "all": 73.94, "SR": None},
    {"distance": "VGG CX", "all": 68.0, "SR": 70.0},
  ]
  results.write(run, measured, about={"triplets": 36344})
  text, problems = _page(run)
  assert problems == {"run": "there are no pictures"}
  words = _words(_tree(text))
  assert "triplets: 36344. numbers: agreement with people, %, ours / paper." in words
  assert "VGG CX 68.0 / 68.2 70.0 / 70.4" in words


@pytest.mark.parametrize(
  ("experiment", "rows", "expected"),
  [
    (
      "single_image",
      [
        *example_runs.rows("psnr_y", {"l1": 31, "l2": 32, "cx": 29}),
        *example_runs.rows("high_db", {"l1": -17, "l2": -17, "cx": 9}),
        *example_runs.rows("kl_reference", {"l1": 0.13, "l2": 0.12, "cx": 0.03}),
        *example_runs.rows("spectrum_db", {"l1": 17.3, "l2": 17.1, "cx": 10.1}),
      ],
      [judges.HOLDS] * 4,
    ),
    (
      "spatial_support",
      [
        {"loss": "l1", "share_above_zero": 0.1},
        {"loss": "perceptual", "share_above_zero": 70.0},
        {"loss": "cx_vgg", "share_above_zero": 100.0},
        {"loss": "cx_patches", "share_above_zero": 90.0},
      ],
      [judges.HOLDS, judges.FAILS, judges.PARTLY],
    ),
    (
      "twoafc",
      [
        {"distance": "Human", "all": 73.9},
        {"distance": "Alex L2", "all": 68.9},
        {"distance": "Alex CX", "all": 69.1},
        {"distance": "VGG L2", "all": 67.0},
        {"distance": "VGG CX", "all": 66.0},
      ],
      [judges.OPEN, judges.HOLDS, judges.FAILS],
    ),
    ("twoafc", [{"distance": "Alex L2", "mean": 98.0}], [judges.OPEN] * 3),
    ("power_spectrum", [{"method": "bicubic", "spectrum_db": 20}], [judges.OPEN] * 2),
  ],
)
def test_claims_judge_numbers_of_every_experiment(experiment, rows, expected):
  assert [c.judge(rows).verdict for c in claims.CLAIMS[experiment]] == expected


def test_runs_without_numbers_leave_every_claim_open():
  for made in claims.CLAIMS.values():
    assert {claim.judge([]).verdict for claim in made} == {judges.OPEN}


def _no_result(run):
  (run / "metrics.json").unlink()
  lines = ['{"phase": "mse", "step": 8}', '{"phase": "ours", "st']
  (run / "metrics.jsonl").write_text("\n".join(lines))


def _no_numbers(run):
  (run / "metrics.json").write_text('{"rows": [{"method": "ours", "psnr_y": [1]}]}')


def _other_size(run):
  images.write_png(run / "pictures" / "a" / "mse.png", example_runs.picture(0, 50, 63))


@pytest.mark.parametrize(
  ("breakage", "reason"),
  [
    (_no_result, "not finished: there is no metrics.json; its log ends in phase mse"),
    (_no_numbers, "does not hold the results of a run"),
    (lambda run: (run / "metrics.json").write_text("{"), "does not hold the results"),
    (lambda run: (run / "run.json").write_text("[1]"), "run.json is damaged"),
    (lambda run: (run / "run.json").unlink(), "there is no run.json"),
    (lambda run: (run / "settings.json").write_text("{"), "settings.json is damaged"),
    (lambda run: (run / "settings.json").unlink(), "no settings.json"),
    (
      lambda run: (run / "pictures" / "a" / "mse.png").write_bytes(b"PNG"),
      "not an intact image",
    ),
    (_other_size, "the pictures of a differ in size"),
  ],
)
def test_broken_runs_are_named_and_the_others_shown(tmp_path, breakage, reason):
  example_runs.toy2d(tmp_path / "whole")
  breakage(example_runs.sr(tmp_path / "broken"))
  text, problems = _page(tmp_path)
  assert list(problems) == ["broken"] and reason in problems["broken"]
  tree = _tree(text)
  assert reason in _words(tree)
  assert "toy2d-1" in [e.get("id") for e in tree.iter("article")]


def test_runs_of_other_programs_are_refused(tmp_path):
  run = example_runs.sr(tmp_path / "other")
  record = json.loads((run / "run.json").read_text())
  (run / "run.json").write_text(json.dumps({**record, "experiment": "poem"}))
  with pytest.raises(UserError, match="'poem' is not an experiment of the paper"):
    runs.read(run)


def test_names_cannot_become_markup(tmp_path):
  name = "a<b>&\"c'{{ lead }}"
  run = example_runs.sr(tmp_path / "runs" / name, names=["<i>x&y"], own="<u>ours")
  rows = [{"method": method, "<u>": 1.0} for method in ("<script>x", "<u>ours")]
  results.write(run, rows)
  text, problems = _page(tmp_path / "runs")
  assert not problems
  tree = _tree(text)
  assert len(list(tree.iter("script"))) == 1
  assert not list(tree.iter("i")) and not list(tree.iter("u"))
  words = _words(tree)
  assert name in words and "<i>x&y: bicubic against <u>ours" in words
  assert "method <u> <script>x 1" in words


def test_same_runs_give_the_same_bytes(folder):
  assert _page(folder)[0] == _page(folder)[0]
  # Named twice, a run is shown once.
  assert _page(folder, folder / "sr")[0] == _page(folder)[0]


def test_pictures_shrink_until_the_page_is_small_enough(tmp_path):
  example_runs.distributions(tmp_path / "run")
  whole = len(_page(tmp_path)[0])
  smaller = len(_page(tmp_path, largest=whole - 1)[0])
  assert smaller < 0.8 * whole
  with pytest.raises(UserError, match="too many pictures"):
    _page(tmp_path, largest=1000)


def test_command_line_reports_a_real_run(tmp_path):
  run, output = tmp_path / "run", tmp_path / "new" / "report.html"
  tiny = ["--draws=20", "--samples=100", "--offsets=3", "--curve_draws=2"]
  in_process.succeed("toy2d", *tiny, f"--output_dir={run}")
  record = json.loads((run / "run.json").read_text())
  assert record["experiment"] == "toy2d"
  assert record["arguments"] == [*tiny, f"--output_dir={run}"]
  arguments = [f"--runs={tmp_path}", f"--output={output}"]
  out, err = in_process.succeed("report", *arguments)
  # The two of the run, and that of docs/reproduction.md.
  assert f"{output}: runs 1, pictures 3, " in out
  tree = _tree(output.read_text("utf-8"))
  assert "python -m experiments.toy2d --draws=20" in _words(tree)
  assert f"report: {output.parent}: there is no settings.json" not in err


def test_mistakes_end_in_one_line():
  code, _, err = in_process.run("report", "--output=x.pdf")
  assert code == 1 and "--output must end in .html" in err
  assert len(err.strip().splitlines()) == 1


def test_paths_without_run_folders_are_refused(tmp_path):
  with pytest.raises(UserError, match="in which there is no folder"):
    _page(tmp_path)
  with pytest.raises(UserError, match="'/nowhere', which is no folder"):
    _page("/nowhere")
