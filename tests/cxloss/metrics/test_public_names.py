import subprocess
import sys

from cxloss import metrics

_REPORT = """
import sys
import cxloss
assert "cxloss.metrics" not in sys.modules
before = {name.split(".")[0] for name in sys.modules}
import cxloss.metrics
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before - set(sys.stdlib_module_names)))
"""


def test_importing_the_loss_leaves_out_the_metrics_which_add_scipy_alone():
  done = subprocess.run([sys.executable, "-c", _REPORT], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  others = {name for name in done.stdout.split() if not name.startswith("_")}
  assert others <= {"scipy", "cython_runtime"}


def test_every_public_name_is_documented():
  for name in metrics.__all__:
    assert len(getattr(metrics, name).__doc__.splitlines()) > 1, name
