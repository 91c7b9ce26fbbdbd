"""The replay of the quarter, as `./run demo` does it: sent once to a system, checked every time."""

from deploy.local import screen
from deploy.local.layout import LaunchError, Layout, remember, remembered
from deploy.local.stages import Stages
from deploy.replay.run import Outcome, examine, generate, replay
from deploy.replay.show import show_outcome
from deploy.replay.target import ReplayError, from_data


def replayed(layout: Layout, again: bool) -> Outcome:
    """Send the quarter unless this system has it, and check."""
    try:
        target = from_data(layout.data, layout.port_base)
        with Stages(screen.notes) as progress:
            progress("generate", 0, 1)
            path, _ = generate(target.folder)
            if remembered(layout.data).get("replayed") == path.name and not again:
                screen.note("This system has the quarter already; checking it.")
                return examine(target, path, None, progress)
            outcome = replay(target, progress)
        remember(layout, replayed=path.name)
    except ReplayError as error:
        raise LaunchError(str(error)) from error
    return outcome


def show(outcome: Outcome, seconds: float) -> None:
    """The check, and in one line what came of it."""
    show_outcome(screen.results, outcome)
    verdict = "Every figure that can be met is met." if outcome.holds else "NOT everything is as it must be."
    screen.note(f"{verdict} ({seconds:.0f} s in all)")
