"""The exercises of lesson 7: enough steps and no more, what was too low, and where the steps stand."""

from sdkit.exercises.answers import called, chosen_of, returned, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.own import drawn, own_pipe
from sdkit.measure import distance

PENGUIN = "a big penguin on a yellow background, flat style"
FOX = "a big fox on a green background, flat style"
_SEED, _END = 5, 24
_NEAR, _MOST = 12.0, 9  # 6 steps are 14.3 away, 7 are 10.7; two more than needed are allowed
_STEPS, _GUIDANCE = "num_inference_steps", "guidance_scale"
_TOO_LOW = {"a": _GUIDANCE, "b": _STEPS, "c": _GUIDANCE}
_FOXES = ((3, {_STEPS: 12, _GUIDANCE: 1}), (1, {_STEPS: 3}), (2, {_STEPS: 12, _GUIDANCE: 1}))


@exercise(points=1)
def enough(answer):
    """The smallest number of steps that comes near the end."""
    steps = whole_of(answer)
    if not 1 <= steps <= _END:
        raise refuse(
            "range",
            missing="The number {steps} is not one from 1 to {end}.",
            hint="Stay within the numbers of the task.",
            steps=steps,
            end=_END,
        )
    picture, end = (drawn(PENGUIN, _SEED, num_inference_steps=count) for count in (steps, _END))
    yield finding(
        "near",
        distance(picture, end) <= _NEAR,
        right="{steps} steps come near enough to the end.",
        missing="With {steps} steps the picture is {far:.1f} grey levels away from the end.",
        hint="Make a row of pictures with more and more steps, and look at how the distance falls.",
        steps=steps,
        far=distance(picture, end),
    )
    yield finding(
        "few",
        steps <= _MOST,
        right="{steps} steps are no waste.",
        missing="{steps} steps are more than are needed here.",
        hint="Near enough is enough: go down until the distance is too large, and then one step back.",
        steps=steps,
    )


@exercise(points=2, puzzle=lambda: [drawn(FOX, seed, **arguments) for seed, arguments in _FOXES])
def too_low(answer):
    """Which of two arguments was too low, for each of three pictures."""
    for name, given in table_of(answer, tuple(_TOO_LOW)).items():
        yield finding(
            name,
            chosen_of(given, (_STEPS, _GUIDANCE)) == _TOO_LOW[name],
            right="{name}: that argument was too low.",
            missing="{name}: it was not {given} that was too low.",
            hint="Make a fox with 3 steps, and one with 12 steps and a scale of 1. Which of them is smeared, as if it "
            "had been broken off, and which finished but dull?",
            name=name,
            given=str(given)[:40],
        )


@exercise(points=2)
def places(answer):
    """A function that returns the timesteps of a run."""
    for steps in (5, 7, 1):
        scheduler = own_pipe().scheduler
        scheduler.set_timesteps(steps)
        expected = scheduler.timesteps.tolist()
        given = returned(called(answer, steps), _numbers)
        yield finding(
            f"{steps} steps",
            given == expected,
            right="With steps = {steps} the timesteps are right.",
            missing="With steps = {steps} they are not: {given}.",
            hint="Where does the last step stand, and how far is it from there to the next? A jump is rounded down, "
            "and the noisy end comes first.",
            steps=steps,
            given=", ".join(f"{number:g}" for number in given)[:60],
        )


def _numbers(value):
    try:
        return [float(number) for number in value]
    except (TypeError, ValueError):
        raise refuse(
            "numbers",
            missing="The function does not return a list of numbers.",
            hint="Return the timesteps in a list, such as [501, 1].",
        ) from None
