"""Data files in YAML that answer a mistake with file, line and reason.

Rules, holidays and settings are data that officers change. A wrong file is refused as a whole, before
anything runs on it, and every mistake in it is told at once.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

MAX_FILE_BYTES = 1_048_576
"""A data file is written by hand; a larger one is not what it says it is."""

MAX_DEPTH = 20
MAX_PLACES = 50_000
"""YAML's references let a short text stand for an endless one; this is where that ends."""

_PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})

Step = int | str
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (file, line from 1, place inside such as `days.0.date`) and why."""

    file: str
    line: int
    place: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.file}:{self.line}: {place}{self.reason}"


class DataFileError(ValueError):
    """A data file that cannot be used. `problems` holds every mistake found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each place of a file stands, so that a later check can still name the line."""

    file: str
    of: dict[tuple[Step, ...], int]

    def problem(self, place: tuple[Step, ...], reason: str) -> Problem:
        """A mistake at a place, with the line of it or of the nearest place around it."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.of:
                return Problem(self.file, self.of[place[:length]], ".".join(map(str, place)), reason)
        return Problem(self.file, 1, ".".join(map(str, place)), reason)


def read_data_file(path: Path, model: type[ModelT]) -> tuple[ModelT, Lines]:
    """The file's content as `model`, and where each place of it stands.

    Raises DataFileError for a file that is missing, too big, not YAML, repeats a key or does not fit.
    """
    return parse_data(_text_of(path), str(path), model)


def parse_data(text: str, file: str, model: type[ModelT]) -> tuple[ModelT, Lines]:
    """The same from text; `file` is only for the messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DataFileError([Problem(file, line, "", f"not YAML: {error.problem}")]) from None
    except yaml.YAMLError as error:
        raise DataFileError([Problem(file, 1, "", f"not YAML: {error}")]) from None
    if root is None:
        raise DataFileError([Problem(file, 1, "", "the file is empty")])
    lines = Lines(file, {})
    problems: list[Problem] = []
    value = _value(root, (), lines, problems)
    if problems:
        raise DataFileError(problems)
    try:
        return model.model_validate(value), lines
    except ValidationError as error:
        found = [lines.problem(tuple(item["loc"]), _plain(item["msg"])) for item in error.errors()]
        raise DataFileError(found) from None


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataFileError([Problem(str(path), 1, "", f"larger than {MAX_FILE_BYTES} bytes")])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataFileError([Problem(str(path), 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise DataFileError([Problem(str(path), 1, "", "is not UTF-8 text")]) from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _value(node: yaml.Node, place: tuple[Step, ...], lines: Lines, problems: list[Problem]) -> Any:
    """The node as plain Python, noting the line of every place and refusing a key that repeats."""
    lines.of[place] = node.start_mark.line + 1
    if len(lines.of) > MAX_PLACES:
        raise DataFileError([lines.problem(place, f"holds more than {MAX_PLACES} values")])
    if len(place) > MAX_DEPTH:
        problems.append(lines.problem(place, f"nested deeper than {MAX_DEPTH}"))
        return None
    if isinstance(node, yaml.CollectionNode) and node.tag not in _PLAIN_TAGS:
        problems.append(
            lines.problem(place, f"uses the tag {node.tag}; only plain lists and mappings are read")
        )
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, index), lines, problems) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, problems)
    return _scalar(node, lines, place, problems)


def _mapping(
    node: yaml.MappingNode, place: tuple[Step, ...], lines: Lines, problems: list[Problem]
) -> dict[Hashable, Any]:
    values: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, lines, place, problems)
        if not isinstance(key, Hashable):
            problems.append(lines.problem(place, "a key must be a plain word"))
            continue
        step = (*place, str(key))
        if key in values:
            problems.append(Problem(lines.file, key_node.start_mark.line + 1, str(key), "stands here twice"))
        values[key] = _value(value_node, step, lines, problems)
        lines.of[step] = key_node.start_mark.line + 1
    return values


def _scalar(node: yaml.Node, lines: Lines, place: tuple[Step, ...], problems: list[Problem]) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        reason = getattr(error, "problem", None) or str(error)
        problems.append(Problem(lines.file, node.start_mark.line + 1, ".".join(map(str, place)), reason))
        return None
    finally:
        loader.dispose()
