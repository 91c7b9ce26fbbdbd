"""The rooms of ARCHITECTURE.md: who may import whom, and what pure rooms must not do."""

import ast
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.sources import ROOT, place, python_files, tracked, tree_of

PURE = (
    "shared/contracts/",
    "shared/calendar/",
    "shared/runtime/ledger/lifecycle.py",
    *(f"services/{module}/lifecycle.py" for module in ("content", "qa", "dossier")),
    *(f"services/scoring/{part}.py" for part in ("contribution", "indicators", "criteria", "score")),
    *(f"services/scoring/{part}.py" for part in ("signals", "titles")),
)
# What reads a clock or makes chance. Pure rooms are given both as arguments.
_CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "uuid4", "token_bytes"}
_CLOCK_MODULES = {"datetime", "date", "time", "uuid", "random", "secrets"}
# Names that say nothing about what is inside.
_EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_every_room_imports_only_what_it_may() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == EXIT_STATUS_SUCCESS


def test_pure_rooms_read_no_clock_and_make_no_chance() -> None:
    found = [
        f"{place(path, node.lineno)} {ast.unparse(node)}"
        for path in python_files(*PURE)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and _reads_clock(node.func)
    ]
    assert not found


def _reads_clock(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute) or called.attr not in _CLOCKS:
        return False
    base = called.value
    owner = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
    return owner in _CLOCK_MODULES


def test_the_clock_rule_sees_a_clock() -> None:
    for code in ("datetime.now(tz)", "datetime.datetime.utcnow()", "time.monotonic()", "date.today()"):
        call = ast.parse(code).body[0]
        assert isinstance(call, ast.Expr)
        assert isinstance(call.value, ast.Call)
        assert _reads_clock(call.value.func), code
    harmless = ast.parse("event.time()").body[0]
    assert isinstance(harmless, ast.Expr)
    assert isinstance(harmless.value, ast.Call)
    assert not _reads_clock(harmless.value.func)


def test_the_pure_rooms_are_there() -> None:
    for room in PURE:
        assert (ROOT / room).exists(), f"{room} has moved; name its new place here"


def test_every_service_is_named_on_the_map() -> None:
    written = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    services = {path.relative_to(ROOT).parts[1] for path in python_files("services/") if _in_package(path)}
    assert services == {"content", "qa", "dossier", "scoring", "report"}
    for room in ("shared/contracts", "shared/calendar", "shared/register", "shared/runtime", "deploy/local"):
        assert f"`{room}/`" in written


def _in_package(path: Path) -> bool:
    return len(path.relative_to(ROOT).parts) > 2


def test_names_say_what_is_inside() -> None:
    found = [
        place(path)
        for path in tracked()
        if _EMPTY_NAMES.intersection((path.stem, *path.relative_to(ROOT).parts[:-1]))
    ]
    assert not found


def test_the_bus_is_read_and_written_in_the_one_safe_way() -> None:
    """Settings that lose or repeat records when something fails (docs/decisions/0001)."""
    forbidden = {"ACK_FIRST", "REJECT_ON_ERROR", "NACK_ON_ERROR", "publish_batch"}
    found = [
        f"{place(path, node.lineno)} {node.attr}"
        for path in python_files("shared/", "services/", "deploy/")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in forbidden
    ]
    assert not found
