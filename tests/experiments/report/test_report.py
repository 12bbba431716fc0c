import json
import re

import html5lib
import pytest

from experiments.common.data import images
from experiments.report import assembly, claims, flagfiles, judges, paper, runs
from tests.experiments import command
from tests.experiments.report import example_runs


def _page(*folders, **kwargs):
  text, _, problems = assembly.assemble(list(map(str, folders)), **kwargs)
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
  assert "a: bicubic against ours" in sr and "a: panel 1 of 2" in sr
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
  means = {
    "bicubic": {"psnr_y": 28.4, "niqe": 7.5, "lpips": None},
    "generator": {"psnr_y": 29.0, "niqe": 5.25, "lpips": None},
    "original": {"psnr_y": None, "niqe": 4.0, "lpips": None},
  }
  folder = run / "evaluation"
  images.write_png(folder / "panels" / "SET5" / "baby.png", example_runs.picture(1))
  content = {"protocol": {}, "sets": {"SET5": {"source": "x", "means": means}}}
  example_runs.write(folder / "evaluation.json", content)
  found = runs.read(run)
  assert _verdicts(found) == [judges.HOLDS, judges.HOLDS]
  assert found.findings[1][1].ours == "SET5, NIQE: ours 5.25, bicubic 7.50"
  words = _words(_tree(_page(run)[0]))
  assert "SET5, baby: details" in words and "original - 4.00 -" in words


@pytest.mark.parametrize(
  ("experiment", "values", "expected"),
  [
    (
      "single_image",
      {
        "l1": {"psnr_y": 31, "high_db": -17, "kl_reference": 0.13, "spectrum_db": 17.3},
        "l2": {"psnr_y": 32, "high_db": -17, "kl_reference": 0.12, "spectrum_db": 17.1},
        "cx": {"psnr_y": 29, "high_db": 9, "kl_reference": 0.03, "spectrum_db": 10.1},
      },
      [judges.HOLDS] * 4,
    ),
    (
      "spatial_support",
      {
        "support": [
          {"loss": "l1", "share_above_zero": 0.001},
          {"loss": "perceptual", "share_above_zero": 0.7},
          {"loss": "cx_vgg", "share_above_zero": 1.0},
          {"loss": "cx_patches", "share_above_zero": 0.9},
        ]
      },
      [judges.HOLDS, judges.FAILS, judges.PARTLY],
    ),
    (
      "twoafc",
      {
        "columns": {
          "Human": {"all": 73.9},
          "Alex L2": {"all": 68.9},
          "Alex CX": {"all": 69.1},
          "VGG L2": {"all": 67.0},
          "VGG CX": {"all": 66.0},
        }
      },
      [judges.OPEN, judges.HOLDS, judges.FAILS],
    ),
    ("twoafc", {"columns": {"Alex L2": {"mean": 98.0}}}, [judges.OPEN] * 3),
    ("power_spectrum", {"bicubic": {"spectrum_db": 20.0}}, [judges.OPEN] * 2),
  ],
)
def test_claims_judge_numbers_of_every_experiment(experiment, values, expected):
  assert [c.judge(values).verdict for c in claims.CLAIMS[experiment]] == expected


def _no_result(run):
  (run / "evaluation.json").unlink()
  lines = ['{"phase": "mse", "step": 8}', '{"phase": "ours", "st']
  (run / "metrics.jsonl").write_text("\n".join(lines))


def _no_numbers(run):
  example_runs.write(run / "evaluation.json", {"ours": [{"psnr_y": "many"}], "mse": 1})


@pytest.mark.parametrize(
  ("breakage", "reason"),
  [
    (
      _no_result,
      "not finished: there is no evaluation.json; its log ends in phase mse",
    ),
    (_no_numbers, "not what sr writes"),
    (lambda run: (run / "evaluation.json").write_text("{"), "no JSON"),
    (lambda run: (run / "run.json").write_text("[1]"), "run.json is damaged"),
    (lambda run: (run / "flags.txt").write_bytes(b"\xff\xfe"), "flags.txt is damaged"),
    (lambda run: (run / "flags.txt").write_text("free text"), "line 1 is no flag"),
    (lambda run: (run / "flags.txt").unlink(), "no flags.txt"),
    (lambda run: (run / "panels" / "a.png").write_bytes(b"PNG"), "not an intact image"),
    (
      lambda run: images.write_png(
        run / "panels" / "a.png", example_runs.picture(0, 50, 63)
      ),
      "has not 4 columns",
    ),
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


def test_comparison_is_finished_by_its_spectra_unless_it_has_none(tmp_path):
  run = example_runs.compare_sr(tmp_path / "run")
  (run / "power_spectrum" / "metrics.json").unlink()
  with pytest.raises(ValueError, match=r"there is no power_spectrum/metrics\.json"):
    runs.read(run)
  without = example_runs.compare_sr(tmp_path / "without", spectra="False")
  (without / "power_spectrum" / "metrics.json").unlink()
  assert _verdicts(runs.read(without)) == [judges.OPEN] * 2


def test_runs_of_other_programs_are_refused(tmp_path):
  run = example_runs.start(tmp_path / "other", "sr", record=False)
  (run / "flags.txt").write_text("--size=3\n")
  with pytest.raises(ValueError, match="not those of an experiment of the paper"):
    runs.read(run)


def test_names_cannot_become_markup(tmp_path):
  name = "a<b>&\"c'$lead"
  run = example_runs.sr(tmp_path / "runs" / name, names=["<i>x&y"])
  example_runs.write(run / "evaluation.json", {"<script>x</script>": {"<u>": 1.0}})
  text, problems = _page(tmp_path / "runs")
  assert not problems
  tree = _tree(text)
  assert len(list(tree.iter("script"))) == 1
  assert not list(tree.iter("i")) and not list(tree.iter("u"))
  words = _words(tree)
  assert name in words and "<i>x&y: bicubic against <script>x</script>" in words


def test_same_runs_give_the_same_bytes(folder):
  assert _page(folder)[0] == _page(folder)[0]
  # Named twice, a run is shown once.
  assert _page(folder, folder / "sr")[0] == _page(folder)[0]


def test_pictures_shrink_until_the_page_is_small_enough(tmp_path):
  example_runs.distributions(tmp_path / "run")
  whole = len(_page(tmp_path)[0])
  smaller = len(_page(tmp_path, largest=whole - 1)[0])
  assert smaller < 0.8 * whole
  with pytest.raises(ValueError, match="too many pictures"):
    _page(tmp_path, largest=1000)


@pytest.mark.parametrize("entry", [e for x in paper.EXPERIMENTS for e in x.entries])
def test_older_runs_are_recognised_and_their_command_gives_the_same_flags(
  tmp_path, entry
):
  changes = {entry.mark: "own", "seed": "7", "data": "my photos"}
  if entry.name == "power_spectrum":
    changes["method"] = "nearest,G=g.keras"
  run = example_runs.start(tmp_path / "run", entry.name, record=False, **changes)
  flags = flagfiles.parse((run / "flags.txt").read_text())
  assert paper.recognise(None, flags)[1] is entry
  known = (*entry.paper, entry.quick)
  *arguments, output = flagfiles.reconstruct(flags, known, run)
  assert output == f"--output_dir={run}"
  given = {}
  if arguments[0].startswith("--flagfile="):
    given = flagfiles.read(arguments.pop(0).partition("=")[2])
    assert len(arguments) < len(flags) / 2
  # Methods add up, also to those of a flagfile.
  assert "method" not in given
  assert {**given, **flagfiles.parse("\n".join(arguments))} == flags


def test_commands_and_flags_of_the_paper_exist():
  root = flagfiles.FOLDER.parent / "experiments"
  for experiment in paper.EXPERIMENTS:
    assert claims.CLAIMS[experiment.key]
    for entry in experiment.entries:
      assert (root / f"{entry.name}.py").exists() or (root / entry.name).is_dir()
      assert flagfiles.read(entry.quick)
      assert all(flagfiles.read(name) for name in entry.paper)
      # The mark is defined in one place only, or older runs are not told apart.
      definition = re.compile(rf'DEFINE_\w+\(\s*"{entry.mark}"')
      places = [p for p in root.rglob("*.py") if definition.search(p.read_text())]
      assert len(places) == 1, (entry.mark, places)


def test_numbers_of_flags_are_compared_as_numbers():
  flags = {**flagfiles.read("sr.flags"), "lambda_gan": "0.001", "lambda_lf": "10.0"}
  assert flagfiles.differences(flags, "sr.flags", {}, ()) == []
  flags.update(epochs="5", icnr="True", limit="3")
  assert flagfiles.differences(
    flags, "sr.flags", {"icnr": "False", "limit": None}, ()
  ) == [("icnr", "False", "True"), ("limit", "not set", "3"), ("epochs", "1500", "5")]


def test_command_line_reports_a_real_run(tmp_path):
  run, output = tmp_path / "run", tmp_path / "new" / "report.html"
  tiny = ["--draws=20", "--samples=100", "--offsets=3", "--curve_draws=2"]
  code, _, err = command.run("experiments.toy2d", *tiny, f"--output_dir={run}")
  assert code == 0, err
  record = json.loads((run / "run.json").read_text())
  assert record["experiment"] == "toy2d"
  assert record["arguments"] == [*tiny, f"--output_dir={run}"]
  arguments = [f"--runs={tmp_path}", f"--output={output}"]
  code, out, err = command.run("experiments.report", *arguments)
  assert code == 0, err
  assert f"{output}: runs 1, pictures 2, " in out
  tree = _tree(output.read_text("utf-8"))
  assert "python -m experiments.toy2d --draws=20" in _words(tree)
  assert f"report: {output.parent}: there is no flags.txt" not in err


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--runs=/nowhere", "Received: '/nowhere', which is no folder"),
    ("--output=x.pdf", "--output must end in .html"),
  ],
)
def test_mistakes_end_in_one_line(arguments, message):
  code, _, err = command.run("experiments.report", arguments)
  assert code == 1 and message in err
  assert len(err.strip().splitlines()) == 1


def test_folder_without_folders_is_refused(tmp_path):
  with pytest.raises(ValueError, match="in which there is no folder"):
    _page(tmp_path)
