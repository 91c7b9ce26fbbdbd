"""The check for people: a table of all figures, then what was compared and sent."""

from rich.console import Console
from rich.table import Table

from deploy.replay.check import Check, Verdict
from deploy.replay.refused import Refused
from deploy.replay.run import Outcome
from deploy.replay.send import Sent
from deploy.replay.verify import Verification

_COLOUR: dict[Verdict, str] = {"met": "green", "explained": "yellow", "missed": "bold red"}
_SIGN: dict[Verdict, str] = {"met": "=", "explained": "≠", "missed": "✗"}
_WORDS: dict[Verdict, str] = {
    "met": "as published",
    "explained": "the published one cannot be",
    "missed": "MISSED",
}


def show_check(console: Console, found: Check) -> None:
    """All figures, section by section."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("§", style="dim")
    table.add_column("figure")
    table.add_column("what", overflow="fold")
    table.add_column("published", justify="right")
    table.add_column("computed", justify="right")
    table.add_column("")
    table.add_column("why", overflow="fold")
    section = ""
    for row in found.rows:
        if section and row.section != section:
            table.add_section()
        colour = _COLOUR[row.verdict]
        table.add_row(
            row.section if row.section != section else "",
            row.id,
            row.what,
            number(row.published),
            f"[{colour}]{number(row.computed)}[/]",
            f"[{colour}]{_SIGN[row.verdict]}[/]",
            row.why,
        )
        section = row.section
    console.print(table)
    counts = found.document()["verdicts"]
    told = ", ".join(f"[{_COLOUR[v]}]{counts[v]} {_WORDS[v]}[/]" for v in _COLOUR)
    console.print(f"{len(found.rows)} figures: {told}.")


def show_outcome(console: Console, outcome: Outcome) -> None:
    """The whole result of a run."""
    show_check(console, outcome.check)
    show_verification(console, outcome.verification)
    show_refused(console, outcome.refused)
    if outcome.sent is not None:
        show_sent(console, outcome.sent)


def show_verification(console: Console, found: Verification) -> None:
    """What the independent count says."""
    if not found.found:
        console.print(
            f"The independent count agrees on all {number(found.compared)} counts "
            f"of {len(found.windows)} windows, agency by agency."
        )
        return
    console.print(f"[bold red]{len(found.found)} counts differ from the independent count.[/] The first:")
    for (first, last), one in found.found[:10]:
        console.print(f"  {first}..{last} {one.agency} {one.indicator}: {one.found}, must be {one.expected}")


def show_refused(console: Console, found: Refused) -> None:
    """What was refused, and whether it was meant to be."""
    told = ", ".join(f"{number(count)} {reason}" for reason, count in found.by_reason.items()) or "nothing"
    console.print(f"Refused and kept with the reason: {told}; {found.expected} were meant to be.")
    for line in found.unexpected[:10]:
        console.print(f"[bold red]refused, but sound:[/] {line}")
    for line in found.missing[:10]:
        console.print(f"[bold red]not refused:[/] {line}")


def show_sent(console: Console, sent: Sent) -> None:
    """How the sending went."""
    seconds = sent.sending_seconds + sent.settling_seconds
    console.print(
        f"{number(sent.messages)} messages ({number(sent.over_http)} over HTTP, "
        f"{number(sent.over_kafka)} over Kafka) sent in {sent.sending_seconds:.1f} s, "
        f"settled after {sent.settling_seconds:.1f} s more: "
        f"{number(round(sent.messages / max(seconds, 0.001)))} a second."
    )
    answers = sent.answers
    told = ", ".join(f"{number(count)} {status}" for status, count in sorted(answers.results.items()))
    console.print(f"Over HTTP: {told}; {answers.requests} requests, {answers.retries} sent again.")
    for line in answers.told:
        console.print(f"[bold red]unexpected:[/] {line}", markup=True)


def number(value: object) -> str:
    """A number with thin groups of three, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "no count" if value is None else str(value)
    return f"{value:,}".replace(",", " ")
