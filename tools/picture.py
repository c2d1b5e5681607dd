"""Draw the picture of docs/sweeps.md: `python -m tools.picture` writes docs/grid.png."""

from sdkit import draw_grid, load_pipeline, sweep

PROMPTS = [
    "a cat on a blue background, flat style",
    "a red apple on a pink background, shaded style",
    "a rocket on a black background, line style",
]


def main() -> None:
    """Sweep three prompts over guidance_scale with one seed and save the labelled grid."""
    pipe = load_pipeline()
    shots = sweep(pipe, PROMPTS, guidance_scale=[1.0, 2.5, 7.5, 20.0], num_inference_steps=25, seed=4)
    draw_grid(shots).save("docs/grid.png")


if __name__ == "__main__":
    main()
