"""What long work says of itself."""

import io

from rich.console import Console

from deploy.local.stages import Stage, Stages


def test_a_line_tells_how_much_how_fast_and_how_long() -> None:
    stage = Stage("send", 0.0, 0, 0, 1_000)
    stage.heard(5.0, 250, 1_000)
    assert stage.line(5.0) == "send 250 of 1,000 (25%), 50/s, 15 s left"


def test_nothing_is_claimed_before_it_is_known() -> None:
    stage = Stage("send", 0.0, 0, 0, 1_000)
    assert stage.line(0.1) == "send 0 of 1,000 (0%)"
    assert Stage("count", 0.0, 0, 0, 1).line(9.0) == "count"


def test_work_that_began_elsewhere_is_measured_from_where_it_was_first_heard_of() -> None:
    stage = Stage("send", 0.0, 600, 600, 1_000)
    stage.heard(4.0, 800, 1_000)
    assert stage.line(4.0) == "send 800 of 1,000 (80%), 50/s, 4 s left"


def test_without_a_terminal_there_are_plain_lines_now_and_then() -> None:
    out, now = io.StringIO(), [0.0]
    stages = Stages(Console(file=out, width=200), clock=lambda: now[0])
    with stages:
        for second in range(12):
            now[0] = float(second)
            stages("send", second * 10, 110)
        stages("settle", 0, 5)
        stages("count", 0, 1)
        now[0] += 60
        stages("count", 1, 1)
    lines = out.getvalue().splitlines()
    assert lines[0] == "send 0 of 110 (0%)"
    assert lines[-3:] == ["send 110 of 110 (100%), 10/s", "settle 0 of 5 (0%)", "count"]
    assert 5 <= len(lines) <= 6
