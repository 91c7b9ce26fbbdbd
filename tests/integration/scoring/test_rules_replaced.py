"""Another rule set's file: scores change from its date on, with a change that says why, and no code does."""

from pathlib import Path
from typing import Any

from services.scoring.app import open_book
from services.scoring.ruleset import RULESETS
from tests.integration.scoring.rig import BOOK, Bus, Rig, rig, run, wipe
from tests.unit.scoring.world import world

BEFORE, AFTER = "2024-Q1", "2024-Q2"


def replaced(folder: Path) -> Path:
    """The shipped files, with the rules for dossiers ending in March and others from April on."""
    for file in RULESETS.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    old = (RULESETS / "services.yaml").read_text(encoding="utf-8")
    (folder / "services.yaml").write_text(old.replace("valid_to: null", "valid_to: 2024-03-31"), "utf-8")
    new = old.replace('version: "2024.1"', 'version: "2024.2"').replace("2021-01-01", "2024-04-01")
    new = new.replace("nothing: full", "nothing: zero")
    (folder / "services-from-april.yaml").write_text(new, "utf-8")
    return folder


async def contents(one: Rig) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores without what says how often they were worked out."""
    return {
        key: {name: value for name, value in document.items() if name not in ("revision", "as_of")}
        for key, document in (await one.published()).items()
    }


def test_another_file_changes_scores_from_its_date_on(postgres_url: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            await one.fold([bus.put(change) for entity in world(91, 120) for change in entity.changes])
            await one.scorer.run_once()
            old, known = await contents(one), len(await one.changes())
        async with rig(postgres_url, book=open_book(rules=replaced(tmp_path))) as other:
            await other.scorer.run_once()
            new, changes = await contents(other), (await other.changes())[known:]
        assert {key: old[key] for key in old if key[1] == BEFORE} == {
            key: new[key] for key in new if key[1] == BEFORE
        }, "what was in force then still is"
        dossiers = [document["modules"].get("dossier") for key, document in new.items() if key[1] == AFTER]
        assert {module["ruleset"] for module in dossiers if module} == {"services@2024.2"}
        assert any(old[key]["total"] != new[key]["total"] for key in old if key[1] == AFTER)
        moved = {change["period"] for change in changes}
        assert AFTER in moved
        assert BEFORE not in moved
        assert all(cause.startswith("/services/scoring rules/") for c in changes for cause in c["causes"])

    run(work())


def test_the_rules_that_ship_are_those_of_the_running_service() -> None:
    assert {r.name for r in BOOK.rules.rule_sets} == {
        r.name for r in open_book(rules=RULESETS).rules.rule_sets
    }
