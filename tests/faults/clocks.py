"""Clocks stepped by a day, forward and back: first each service's own, then the publisher's."""

from contextlib import suppress

from tests.faults.rig import SERVICES
from tests.faults.stage import Stage

DAY_S = 86_400
_STEPPED_S = 6.0


async def stepped(stage: Stage) -> int:
    """A request is refused while the two clocks are a day apart, and taken once they agree again.

    Over Kafka age is no reason to refuse. No count hangs on the clock of the machine that counts.
    """
    harms = 0
    steps = [(who, step * DAY_S) for who in ("services", "publisher", "scoring") for step in (1, -1)]
    async for number in stage.load.rounds(len(steps)):
        who, seconds = steps[number]
        before = stage.publisher.told_of_clock
        try:
            _step(stage, who, seconds)
            await stage.into_the_load()
            await stage.pause(_STEPPED_S, _STEPPED_S)
        finally:
            _step(stage, who, 0)
        harms += 1
        if who != "scoring" and stage.publisher.told_of_clock == before:
            stage.wrong.append(f"no request was refused while the clock of the {who} was {seconds} s off")
    return harms


def _step(stage: Stage, who: str, seconds: int) -> None:
    if who == "publisher":
        stage.publisher.clock_off_s = seconds
        return
    for service in SERVICES if who == "services" else (who,):
        file = stage.rig.failpoints / f"{service}.clock"
        if seconds:
            file.write_text(str(seconds), encoding="ascii")
        else:
            with suppress(FileNotFoundError):
                file.unlink()
