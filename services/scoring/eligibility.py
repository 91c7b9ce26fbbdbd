"""Who is scored in a window: the register seen through scoring's eyes."""

from functools import lru_cache

from services.scoring.contribution import WrongTitle
from services.scoring.ruleset import Scored
from shared.calendar.periods import Window
from shared.register.register import Module, Register

_MODULES: tuple[Module, ...] = ("content", "qa", "dossier")


class Agencies:
    """The agencies of the register, by window."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self._scored = lru_cache(maxsize=500)(self._work_out)

    def scored_in(self, window: Window) -> dict[str, Scored]:
        """Every agency that existed in the window, with the modules it is scored in then."""
        return self._scored(window)

    def _work_out(self, window: Window) -> dict[str, Scored]:
        modules: dict[str, list[str]] = {}
        for module in _MODULES:
            for agency in self.register.eligible(module, window.first, window.last):
                modules.setdefault(agency.slug, []).append(module)
        return {
            agency.slug: Scored(
                agency.slug, agency.group, agency.bloc, agency.parent, tuple(modules.get(agency.slug, ()))
            )
            for agency in self.register.agencies.values()
            if agency.existed_in(window.first, window.last)
        }

    def everyone(self) -> list[Scored]:
        """Every agency as the register has it now."""
        return [
            Scored(a.slug, a.group, a.bloc, a.parent, tuple(a.modules))
            for a in self.register.agencies.values()
        ]

    @property
    def wrong_title(self) -> WrongTitle:
        """Whether an answer's signature is at fault, by the register's titles."""
        return lru_cache(maxsize=10_000)(self.register.is_wrong_title)
