"""Signing in, against a real database."""

import subprocess
import sys

import pytest

from services.report.accounts import FREE_FAILURES, Accounts
from shared.runtime.postgres import Pool

pytestmark = pytest.mark.anyio

PASSWORD = "một mật khẩu đủ dài"


def command(url: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.report.accounts", *words, "--database", url],
        input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def officer(pool: Pool, empty_postgres_url: str) -> str:
    made = command(
        empty_postgres_url, "add", "an", "--role", "officer", "--password-stdin", stdin=PASSWORD + "\n"
    )
    assert made.returncode == 0, made.stderr
    return "an"


async def test_a_generated_password_is_printed_once_and_signs_in(pool: Pool, empty_postgres_url: str) -> None:
    made = command(empty_postgres_url, "add", "binh", "--role", "administrator")
    accounts = Accounts(pool)
    token = await accounts.sign_in("binh", made.stdout.strip())
    assert token is not None
    found = await accounts.officer_by(token)
    assert found is not None
    assert (found.name, found.role) == ("binh", "administrator")


async def test_only_a_hash_of_password_and_token_is_stored(pool: Pool, officer: str) -> None:
    token = await Accounts(pool).sign_in(officer, PASSWORD)
    assert token is not None
    stored = str(await pool.fetch("SELECT * FROM account")) + str(await pool.fetch("SELECT * FROM session"))
    assert PASSWORD not in stored
    assert token not in stored
    assert "$argon2id$" in stored


async def test_a_wrong_password_and_an_unknown_name_give_nothing(pool: Pool, officer: str) -> None:
    accounts = Accounts(pool)
    assert await accounts.sign_in(officer, "sai mật khẩu rồi") is None
    assert await accounts.sign_in("nobody", PASSWORD) is None


async def test_too_many_wrong_passwords_lock_the_right_one_out_for_a_while(pool: Pool, officer: str) -> None:
    accounts = Accounts(pool)
    for _ in range(FREE_FAILURES + 1):
        await accounts.sign_in(officer, "sai mật khẩu rồi")
    assert await accounts.sign_in(officer, PASSWORD) is None
    await pool.execute("UPDATE account SET locked_until = now() - interval '1 second'")
    assert await accounts.sign_in(officer, PASSWORD) is not None
    assert await pool.fetchval("SELECT failures FROM account") == 0


async def test_signing_out_ends_the_session(pool: Pool, officer: str) -> None:
    accounts = Accounts(pool)
    token = await accounts.sign_in(officer, PASSWORD)
    assert token is not None
    await accounts.sign_out(token)
    assert await accounts.officer_by(token) is None


async def test_a_session_ends_by_itself(pool: Pool, officer: str) -> None:
    token = await Accounts(pool).sign_in(officer, PASSWORD)
    assert token is not None
    await pool.execute("UPDATE session SET expires_at = now() - interval '1 second'")
    assert await Accounts(pool).officer_by(token) is None


async def test_disabling_an_account_ends_its_sessions(
    pool: Pool, officer: str, empty_postgres_url: str
) -> None:
    token = await Accounts(pool).sign_in(officer, PASSWORD)
    assert token is not None
    assert command(empty_postgres_url, "disable", officer).returncode == 0
    assert await Accounts(pool).officer_by(token) is None
    assert await Accounts(pool).sign_in(officer, PASSWORD) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "An Nguyen"), "small letters"),
        (("add", "cuong", "--role", "king"), "choose one of"),
        (("password", "nobody"), "no account"),
        (("disable", "nobody"), "no account"),
    ],
)
async def test_the_command_says_what_is_wrong(
    pool: Pool, empty_postgres_url: str, words: tuple[str, ...], said: str
) -> None:
    done = command(empty_postgres_url, *words)
    assert done.returncode != 0
    assert said in done.stderr


async def test_a_name_is_given_once(pool: Pool, officer: str, empty_postgres_url: str) -> None:
    again = command(empty_postgres_url, "add", officer)
    assert again.returncode != 0
    assert "exists" in again.stderr


async def test_a_district_s_officer_belongs_to_a_district(pool: Pool, empty_postgres_url: str) -> None:
    made = command(empty_postgres_url, "add", "cuc", "--role", "district", "--agency", "huyen-bat-xat")
    token = await Accounts(pool).sign_in("cuc", made.stdout.strip())
    assert token is not None
    found = await Accounts(pool).officer_by(token)
    assert found is not None
    assert (found.role, found.agency) == ("district", "huyen-bat-xat")
    for words in (("--role", "district"), ("--role", "officer", "--agency", "huyen-bat-xat")):
        refused = command(empty_postgres_url, "add", "dao", *words)
        assert refused.returncode != 0
        assert "--agency" in refused.stderr
