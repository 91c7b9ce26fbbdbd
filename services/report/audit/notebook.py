"""Where relations write down what they tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.report.audit.figures import Reading
from services.report.audit.findings import Relation, Result, Severity
from services.report.audit.quantities import Quantity


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a finding in both languages, and what may have happened."""

    vi: str
    en: str
    hint_vi: str = ""
    hint_en: str = ""


@dataclass(slots=True)
class Notebook:
    """Collects the results of one reading, each once."""

    reading: Reading
    results: list[Result] = field(default_factory=list)

    def holds(
        self, relation: Relation, numbers: Sequence[Quantity], formula: str, computed: str = ""
    ) -> None:
        self._write(relation, numbers, formula, computed, None, None, "")

    def fails(
        self,
        relation: Relation,
        numbers: Sequence[Quantity],
        formula: str,
        computed: str,
        why: Why,
        *,
        severity: Severity = Severity.alarm,
        published: str = "",
    ) -> None:
        """Write down a relation that does not hold. The first number is the one quoted."""
        self._write(relation, numbers, formula, computed, why, severity, published)

    def _write(
        self,
        relation: Relation,
        numbers: Sequence[Quantity],
        formula: str,
        computed: str,
        why: Why | None,
        severity: Severity | None,
        published: str,
    ) -> None:
        main = numbers[0]
        block = self.reading.blocks[main.block]
        sentence = self.reading.sentence(main)
        others = dict.fromkeys(self.reading.sentence(q) for q in numbers[1:])
        others.pop(sentence, None)
        result = Result(
            relation=relation, holds=why is None, severity=severity, section=block.section, line=block.line,
            published=published or main.written, computed=computed or main.written, formula=formula,
            sentence=sentence, also=tuple(others),
            why_vi=why.vi if why else "", why_en=why.en if why else "",
            hint_vi=why.hint_vi if why else "", hint_en=why.hint_en if why else "",
            numbers=tuple(dict.fromkeys(q.id for q in numbers)),
        )  # fmt: skip
        if result not in self.results:
            self.results.append(result)
