import numpy as np

from experiments.twoafc import table


def test_averages_of_the_papers_table_are_plain_means_of_its_subsets():
  titles = list(table.COLUMNS)
  for row, values in table.PAPER.items():
    single = {
      table.COLUMNS[title][0]: value / 100
      for title, value in zip(titles, values, strict=True)
      if len(table.COLUMNS[title]) == 1
    }
    means = table.averages({row: single}, table.COLUMNS)[row]
    # Printed to a tenth, from numbers that were not yet rounded.
    np.testing.assert_allclose(list(means.values()), values, atol=0.11, err_msg=row)


def test_table_shows_ours_beside_the_paper_and_what_was_not_measured():
  layout = table.columns(["cnn"])
  means = table.averages({"Alex CX": {"cnn": 0.8312}}, layout)
  header, line = table.text(means).splitlines()
  assert header.split() == list(table.COLUMNS)
  assert line.split()[2:5] == ["-/71.4", "83.1/83.5", "-/77.4"]


def test_columns_of_other_subsets_are_these_and_their_mean():
  layout = table.columns(["blur", "contrast"])
  assert list(layout) == ["Blur", "Contrast", "Mean"]
  [means] = table.averages({"L2": {"blur": 1.0, "contrast": 0.5}}, layout).values()
  assert means == {"Blur": 100, "Contrast": 50, "Mean": 75}
