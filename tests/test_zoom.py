"""Pictures, grids and panels can be larger, for a projector."""

import pytest
from PIL import Image

from sdkit import draw_grid, explore
from sdkit.panel.pictures import as_html
from sdkit.shot import Shot
from sdkit.zoom import zoom

DOT = Image.new("RGB", (128, 128))
SHOT = Shot(DOT, {"seed": 0}, {})


def width(shown):
    """Return how wide something is shown on a page, in pixels."""
    return shown._repr_mimebundle_()[1]["image/png"]["width"]


@pytest.mark.parametrize(("text", "expected"), [(None, 1), ("", 1), ("1", 1), (" 1.5 ", 1.5), ("3", 3)])
def test_the_environment_says_how_much(text, expected, monkeypatch):
    monkeypatch.delenv("SDKIT_ZOOM", raising=False)
    if text is not None:
        monkeypatch.setenv("SDKIT_ZOOM", text)
    assert zoom() == expected


@pytest.mark.parametrize("text", ["0.5", "4", "150%", "nan", "on"])
def test_another_value_is_refused(text, monkeypatch):
    monkeypatch.setenv("SDKIT_ZOOM", text)
    with pytest.raises(ValueError, match="SDKIT_ZOOM is '.*'; give a number from 1 .* to 3"):
        zoom()


def test_pictures_and_grids_are_shown_larger(monkeypatch):
    usual = width(SHOT), width(draw_grid([DOT] * 3))
    monkeypatch.setenv("SDKIT_ZOOM", "1.5")
    assert (width(SHOT), width(draw_grid([DOT] * 3))) == tuple(round(1.5 * number) for number in usual)


@pytest.mark.parametrize(("factor", "rows"), [("1", [8]), ("1.5", [4, 4]), ("2", [3, 3, 2])])
def test_fewer_pictures_stand_in_a_row(factor, rows, monkeypatch):
    monkeypatch.setenv("SDKIT_ZOOM", factor)
    tops = [top for _, (_, top, _, _) in draw_grid([DOT] * 8).pictures]
    assert [tops.count(top) for top in dict.fromkeys(tops)] == rows
    (top,) = {top for _, (_, top, _, _) in draw_grid([DOT] * 8, columns=8).pictures}  # as it was asked for
    assert top


def test_a_panel_is_enlarged_as_a_whole(monkeypatch):
    usual = explore(lambda seed=0: DOT, seed=(0, 9))
    grid = as_html(draw_grid([DOT] * 3), {})
    monkeypatch.setenv("SDKIT_ZOOM", "1.5")
    large = explore(lambda seed=0: DOT, seed=(0, 9))
    assert "sdkit-zoom-150" in large._dom_classes and "zoom: 1.5" in large.children[-1].value
    assert len(large.children) == len(usual.children) + 1 and "sdkit-zoom-100" not in usual._dom_classes
    assert as_html(draw_grid([DOT] * 3), {}) == grid  # else what is in a panel would be enlarged twice
