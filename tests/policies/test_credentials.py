"""What counts as a credential."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.rules.credentials import assignments, is_literal, names_secret

# The alphabet of random:index:RandomPassword.
_ALPHABET = string.ascii_letters + string.digits + "!@#$%&*()-_=+[]{}<>:?"


@given(
    st.sampled_from(string.ascii_letters + "!@#&*()-_=+[]:?"),
    st.text(_ALPHABET, min_size=11, max_size=40),
)
def test_a_generated_password_is_a_literal_whatever_characters_it_holds(
    first: str, rest: str
) -> None:
    assert is_literal(first + rest)


@pytest.mark.parametrize(
    "value",
    [
        "${DB_PASSWORD}",
        "$(cat /run/secrets/x)",
        "$TOKEN",
        "Bearer ${TOKEN}",
        "{{ .Values.token }}",
        "%(password)s",
        "<set by the operator>",
        "os.environ/KEY",
        "env:KEY",
        "/run/secrets/token",
        "file:/run/secrets/token",
        "true",
        "8080",
        "",
    ],
)
def test_a_reference_a_file_or_a_switch_is_no_literal(value: str) -> None:
    assert not is_literal(value)


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "dbPassword", "db_passwd", "PASSPHRASE", "DB_PWD", "requirepass"),
        *("client-secret", "HF_TOKEN", "gitCredentials", "CREDENTIAL", "masterauth"),
        *("x-api-key", "apikey", "SECRET_KEY", "AWS_ACCESS_KEY", "privateKey", "MASTER_KEY"),
        *("ENCRYPTION_KEY", "signing.key", "LITELLM_SALT_KEY", "LICENSE_KEY", "REDISCLI_AUTH"),
    ],
)
def test_a_name_whose_last_words_say_so_names_a_secret(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD_FILE",
        "tokenUrl",
        "max_tokens",
        "secretName",
        "KEY",
        "ssl_key",
        "keyboard",
        "",
        "_",
    ],
)
def test_other_names_name_none(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize("suffix", [".py", ".sh", ".js", ".mjs", ".lua", ".ts", ".go"])
def test_in_code_a_quoted_string_is_a_credential_and_an_expression_is_none(suffix: str) -> None:
    code = 'token = read_token\napi_key = "s3cr3t-value"\n'
    assert list(assignments(f"start{suffix}", code)) == [(2, "api_key")]


@pytest.mark.parametrize("file", ["app.yaml", "app.ini", "app", "app.env"])
def test_in_configuration_a_bare_word_is_a_credential(file: str) -> None:
    assert list(assignments(file, "a = b\ntoken = s3cr3t-value\n")) == [(2, "token")]
