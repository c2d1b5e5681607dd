"""What the Colab run reads from nbval's report. The run itself builds an environment: python -m tools.colab."""

from tools import colab

REPORT = """<testsuites><testsuite>
<testcase classname="en.07_steps.ipynb" name="07_steps::ipynb::Cell 0" time="1.5"/>
<testcase classname="en.07_steps.ipynb" name="07_steps::ipynb::Cell 1" time="0.5">
<failure message="Cell 1: Cell outputs differ">Traceback: mismatch 'image/png'</failure></testcase>
<testcase classname="en.07_steps.ipynb" name="07_steps::ipynb::Cell 2" time="1">
<failure message="Cell execution caused an exception">Traceback</failure></testcase>
</testsuite></testsuites>"""


def test_a_report_tells_cells_that_differ_from_cells_that_raise():
    seconds, differing, raising = colab.read(REPORT, ["setup", "first", "proof"])
    assert seconds == 3.0
    assert differing == [("first", "image/png")]
    assert raising == [("proof", "Cell execution caused an exception")]
