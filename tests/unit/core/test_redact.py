"""Addresses and paths of a machine are taken out of what is published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.core.redact import host_of, masked, strip_addresses, without_secrets
from support.made_up import failed


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("see https://me:pw@host.example:8080/a/b?c=d#e now", "see <address> now"),
        ("`git+ssh://git@host.example/r.git@main`", "`<address>`"),
        ("(HTTP://HOST.example/x)", "(<address>)"),
        ("alpha==1.0 in 3 s", "alpha==1.0 in 3 s"),
    ],
)
def test_addresses_are_stripped(text: str, stripped: str) -> None:
    assert strip_addresses(text) == stripped


def test_a_persons_home_is_not_told() -> None:
    assert strip_addresses(f"in {Path.home()}/x") == "in ~/x"


@pytest.mark.parametrize(
    "text", ["-----BEGIN PRIVATE KEY-----", "a -----BEGIN RSA PRIVATE KEY-----\nMIIa1B2 and so on"]
)
def test_a_key_that_is_cut_off_takes_nothing_else_with_it(text: str) -> None:
    seen = failed("t.py::test", "alpha")
    assert seen.failure is not None
    broken = seen.model_copy(update={"failure": seen.failure.model_copy(update={"message": text})})
    clean = without_secrets(broken)
    assert clean.failure is not None
    assert clean.failure.message == ("a " if text.startswith("a ") else "") + "(a secret)"
    assert clean.model_copy(update={"failure": None}) == seen.model_copy(update={"failure": None})


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://me:p@ss@host.example:8080/token/simple?key=k#x", "https://host.example:8080"),
        ("https://[::1]/simple/", "https://[::1]"),
        ("host.example/simple", "<address>"),
        ("https://[::1", "<address>"),
    ],
)
def test_a_host_has_no_credentials(address: str, host: str) -> None:
    assert host_of(address) == host


#: Made up; none of them was ever given out.
CREDENTIALS = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 6,
    "glpat-" + "a1B2-" * 5,
    "AKIA" + "ABCD1234" * 2,
    "pypi-AgEI" + "a1B2" * 6,
    "hf_" + "a1B2" * 8,
    "sk-proj-" + "a1B2" * 10,
    "eyJhbGciOi" + "a1B2" * 3 + ".eyJzdWIiOi" + "a1B2" * 3 + "." + "a1B2" * 6,
    "-----BEGIN RSA PRIVATE KEY-----\nMIIa1B2\n-----END RSA PRIVATE KEY-----",
]


class TestSecrets:
    @pytest.mark.parametrize("secret", CREDENTIALS, ids=lambda text: text[:10])
    def test_what_has_the_shape_of_a_credential_is_masked(self, secret: str) -> None:
        assert masked(f"token={secret}, and more", {}) == "token=(a secret), and more"

    @pytest.mark.parametrize(
        "text",
        [
            "sha256:" + "0123456789abcdef" * 4,
            "sk-learn-contrib-extension-of-some-kind-or-another",
            "disk-usage-of-the-cache-0123456789-0123456789",
            "jax 0.8.1.dev20260101+g0123456789abcdef",
            "bearer of bad news",
        ],
    )
    def test_other_words_stay(self, text: str) -> None:
        assert masked(text, {}) == text

    def test_the_values_of_variables_that_are_named_so(self) -> None:
        environ = {"MY_TOKEN": 'not"a-shape', "DB_PASSWORD": "hunter22", "PATH": "/usr/bin:/bin", "A_KEY": "short"}
        told = 'not"a-shape hunter22 /usr/bin:/bin short'
        assert masked(told, environ) == "(a secret) (a secret) /usr/bin:/bin short"
        assert json.loads(masked(json.dumps([told]), environ)) == ["(a secret) (a secret) /usr/bin:/bin short"]

    def test_a_record_without_secrets(self) -> None:
        result = failed("t.py::test", "alpha", message="all is well")
        assert without_secrets(result) is result
        told = without_secrets(failed("t.py::test", "alpha", message=f"it is {CREDENTIALS[0]}"))
        assert told == failed("t.py::test", "alpha", message="it is (a secret)")
