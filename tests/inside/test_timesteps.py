"""Each list of timesteps is a row of dots, noise at the left."""

import pytest

from sdkit.inside.timesteps import draw_timesteps


def test_each_list_is_a_row_with_a_dot_for_each_step():
    (axes,) = draw_timesteps({"own": [901, 501, 101], "late": [999, 3]}).axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[901, 501, 101], [999, 3]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["own", "late"]
    left, right = axes.get_xlim()
    assert left > 1000 and right < 0, "noise is not at the left"


@pytest.mark.parametrize("plans", [{}, {"own": []}, {"own": [1001]}, {"own": [-1, 3]}])
def test_what_is_no_list_of_timesteps_is_refused(plans):
    with pytest.raises(ValueError, match="give at least one"):
        draw_timesteps(plans)
