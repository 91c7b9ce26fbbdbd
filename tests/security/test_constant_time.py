"""Secrets are compared in constant time: nowhere by `==`, and where they meet, by `compare_digest`."""

import ast

import pytest

from tests.architecture.sources import ROOT, place, tree_of

SECRETS = {"token", "offered", "expected", "signature", "secret", "nonce", "verifier", "password", "cookie"}
WHERE = (
    "shared/runtime/signature.py",
    "shared/runtime/ledger/api.py",
    "shared/runtime/ledger/verify.py",
    "services/scoring/api.py",
    "services/report/accounts.py",
    "services/report/oidc.py",
    "services/report/oidc_api.py",
    "services/report/session_api.py",
)
COMPARING = {
    "shared/runtime/signature.py": "verify",
    "shared/runtime/ledger/api.py": "operator",
    "services/scoring/api.py": "operator",
    "services/report/oidc.py": "check_nonce",
}


def names_in(node: ast.expr) -> set[str]:
    """The names that an operand is made of."""
    return {
        found.id if isinstance(found, ast.Name) else found.attr
        for found in ast.walk(node)
        if isinstance(found, ast.Name | ast.Attribute)
    }


@pytest.mark.parametrize("name", WHERE)
def test_no_secret_is_compared_by_equality(name: str) -> None:
    path = ROOT / name
    found = [
        f"{place(path, node.lineno)} {ast.unparse(node)}"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq | ast.In) for one in node.ops)
        and any(SECRETS & names_in(side) for side in (node.left, *node.comparators))
        # A length says nothing of the content.
        and not any(isinstance(side, ast.Call) and ast.unparse(side.func) == "len" for side in (node.left,))
    ]
    assert not found


@pytest.mark.parametrize(("name", "function"), COMPARING.items())
def test_where_secrets_meet_they_are_compared_in_constant_time(name: str, function: str) -> None:
    functions = [
        node
        for node in ast.walk(tree_of(ROOT / name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
    ]
    assert functions
    for node in functions:
        assert "compare_digest(" in ast.unparse(node)
