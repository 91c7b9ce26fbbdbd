"""The clock of one dossier: its due instant under pauses and extensions.

While the office waits for the citizen the clock stops: the due instant moves by the working time that
passed. A new date given in an extension never takes away what earlier pauses gave. See decision record
0012 for why.
"""

from datetime import datetime

from services.dossier.rules import Rules
from shared.calendar.working import WorkingCalendar

SECOND_EXTENSION = "second_extension"
NO_APOLOGY = "no_apology"
EXTENDED_LATE = "extended_late"
EXTENDED_AFTER_DUE = "extended_after_due"
NOT_LATER = "new_date_not_later"
SUPPLEMENT_LATE = "supplement_asked_late"
PAUSED_AFTER_DUE = "paused_after_due"


class Clock:
    """The due instant of a dossier while its facts are read in order.

    `due` is the due instant in force while the clock runs; while it stands, the due instant as it was
    when the clock was last set. `pauses` holds (from, to), with `to` None while the pause goes on.
    """

    __slots__ = (
        "_calendar",
        "_counts",
        "_rules",
        "_since",
        "due",
        "extended",
        "paused",
        "pauses",
        "received",
    )

    def __init__(
        self, calendar: WorkingCalendar, rules: Rules, received: datetime, due: datetime | None
    ) -> None:
        self._calendar = calendar
        self._rules = rules
        self.received = received
        self.due = due
        self.extended = 0
        self.pauses: list[tuple[datetime, datetime | None]] = []
        self.paused = False
        self._since = received
        """From when the pause that goes on moves the due instant."""
        self._counts = False
        """Whether it moves it at all: a pause that begins after the due instant comes too late."""

    def stop(self, at: datetime) -> list[str]:
        """The office asks the citizen for something. Returns what is irregular about it."""
        irregular = []
        term = self._rules.supplement_within_working_days
        if not self.pauses and at > self._calendar.add_working_days(self.received, term):
            irregular.append(SUPPLEMENT_LATE)
        self._counts = self.due is not None and at <= self.due
        if self.due is not None and not self._counts:
            irregular.append(PAUSED_AFTER_DUE)
        self.pauses.append((at, None))
        self.paused = True
        self._since = at
        return irregular

    def go_on(self, at: datetime) -> None:
        """The pause ends: the due instant moves by the working time that passed in it."""
        self.due = self._due_if_resumed(at)
        self.pauses[-1] = (self.pauses[-1][0], at)
        self.paused = False

    def extend(self, at: datetime, new_due: datetime, apology: bool) -> list[str]:
        """A new date is given. Returns what is irregular about it.

        The new date stands unless the due instant in force, pauses included, is later already. During a
        pause, the rest of the pause moves the new date too.
        """
        irregular = self._irregular(at, apology)
        self.extended += 1
        due = self._due_if_resumed(at) if self.paused else self.due
        if due is not None and new_due <= due:
            return [*irregular, NOT_LATER]
        self.due = new_due
        if self.paused:
            self._since = max(at, self._since)
            self._counts = self._since <= new_due
        return irregular

    def _irregular(self, at: datetime, apology: bool) -> list[str]:
        found = []
        if self.extended >= self._rules.extensions_at_most:
            found.append(SECOND_EXTENSION)
        if not apology:
            found.append(NO_APOLOGY)
        if self.due is not None and not self.paused:
            ahead = self._rules.extension_ahead_working_days
            if at > self.due:
                found.append(EXTENDED_AFTER_DUE)
            elif at > self._calendar.working_days_before(self.due, ahead):
                found.append(EXTENDED_LATE)
        return found

    def _due_if_resumed(self, at: datetime) -> datetime | None:
        """The due instant if the pause that goes on ended at `at`.

        A pause that began in time never ends with the office late already, also when it ends outside
        the hours of work.
        """
        if self.due is None or not self._counts or at <= self._since:
            return self.due
        calendar = self._calendar
        moved = calendar.add_working_time(self.due, calendar.working_time_between(self._since, at))
        return max(moved, at)
