"""The loop is drawn whole: every part has its box, and nothing is cut off."""

from sdkit.inside.loop import BOXES, draw_loop


def test_every_part_is_named_in_order_and_lies_inside_the_drawing():
    (axes,) = draw_loop().axes
    texts = [text.get_text() for text in axes.texts]
    names = [name for _, _, name, _, _ in BOXES]
    assert [text for text in texts if text in names] == names
    low, high = axes.get_xlim()
    assert all(low < left and left + width < high for left, width, *_ in BOXES)
    assert all(after[0] > left + width for (left, width, *_), after in zip(BOXES, BOXES[1:])), "boxes overlap"


def test_every_line_of_text_fits_its_box():
    figure = draw_loop()
    figure._repr_png_()  # lays it out
    (axes,) = figure.axes
    for left, width, name, does, _ in BOXES:
        for text in (one for one in axes.texts if one.get_text() in (name, does)):
            box = text.get_window_extent().transformed(axes.transData.inverted())
            assert left <= box.x0 and box.x1 <= left + width, text.get_text()
