"""Measure how fast a panel answers: `python -m benchmarks.panel`.

What a front end would send is done from here, so drawing in the browser and the way there are not in
the numbers. All are medians; the last column is the ratio to one plain call in the same run.
"""

import time
from statistics import median

from benchmarks.record import options, report, seconds_of
from sdkit import explore, generate, load_pipeline
from sdkit.panel import panel

PROMPT, TIMES = "a cat on a blue background", 8


def main(given: list[str] | None = None) -> None:
    arguments = options("panel", __doc__, given)
    pipe = load_pipeline()

    def make(prompt=PROMPT, seed=0, num_inference_steps=25, guidance_scale=7.5):
        call = {"num_inference_steps": num_inference_steps, "guidance_scale": guidance_scale}
        return generate(pipe, prompt, seed=seed, **call)

    panel.from_front_end = lambda: True  # as if somebody moved the slider
    shown = []
    live = explore(make, prompt=None, seed=(0, 9999), num_inference_steps=(1, 50), guidance_scale=(1.0, 15.0))
    live.view.picture.observe(lambda change: shown.append((time.perf_counter(), change["new"])), names="value")

    def release(seed):
        """Let the seed's slider go; return the seconds to the first preview, and to the last picture."""
        shown.clear()
        began = time.perf_counter()
        live.controls["seed"].value = seed
        live.thread.wait()
        previews = [at for at, html in shown if "preview of" in html]
        return (previews or [shown[-1][0]])[0] - began, shown[-1][0] - began

    def stop(number):
        """Stop a long run, each at another moment of a step; return the seconds until it has ended."""
        live.controls["seed"].value = 100 + number
        time.sleep(0.3 + 0.003 * number)
        return seconds_of(lambda: (live.stop.click(), live.thread.wait()))

    live.button.click()  # the first call of a process is slower
    live.thread.wait()
    plain = median(seconds_of(lambda n=n: make(seed=5000 + n)) for n in range(TIMES))
    new = [release(seed) for seed in range(1, TIMES + 1)]
    old = [release(seed) for seed in range(1, TIMES + 1)]
    live.controls["num_inference_steps"].value = 50
    live.thread.wait()
    rows = {
        "one plain call": plain,
        "slider to the first preview": median(first for first, _ in new),
        "slider to the finished picture": median(last for _, last in new),
        "slider to a picture made before": median(last for _, last in old),
        "stop to the end of the work": median(map(stop, range(TIMES))),
    }
    table = [[name, round(seconds * 1000, 3), round(seconds / plain, 5)] for name, seconds in rows.items()]
    report(arguments, ["median", "ms", "ratio"], table, runs=TIMES)


if __name__ == "__main__":
    main()
