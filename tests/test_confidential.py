"""What no text tells: secrets, wherever they stand; and what no published text tells: folders."""

import re
import time

import pytest

import small_run
from geobench.confidential import SECRET, module_file, shareable, without_folders, without_secrets
from geobench.errors import ConfigError, said_by, traced, words_of
from geobench.readable import told

TOKENS = [
    "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "sk-proj-abcdefghij0123456789",
    "xoxb-1234567890-abcdef",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
]
AROUND = ["{}", "asked with {}, refused", "https://x.org/a?b=1&c={}&d=2", "['{}']", "_{}"]
SAID = {
    "https://anna:hunter2@x.org/a": "https://(secret)@x.org/a",
    "https://hunter2@x.org": "https://(secret)@x.org",
    "ftp://a:p@hunter2@x.org/y": "ftp://(secret)@x.org/y",
    "Authorization: Bearer hunter2": "Authorization: (secret)",
    "{'authorization': 'Basic aHVudGVyMg=='}": "{'authorization': '(secret)'}",
    "password=hunter2, user=anna": "password=(secret), user=anna",
    '{"api_key": "hunter2 and 3"}': '{"api_key": (secret)}',
    "https://x.org/?token=hunter2&x=1": "https://x.org/?token=(secret)&x=1",
    "AWS_SECRET_ACCESS_KEY = hunter2/abc": "AWS_SECRET_ACCESS_KEY = (secret)",
    "run --token hunter2 --more": "run --token (secret) --more",
    "Cookie: session=hunter2; a=b": "Cookie: (secret)",
    "the password is 'hunter2'": "the password is (secret)",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----": "(secret)",
}
STAY = [
    "tokens of shape (5, 3), not (5, 4)",
    "features: tokens=(12, 768)",
    "no module named hf_transfer",
    "basic information of the tokenizer: none",
    "see https://x.org/a@b and a@b.org",
    "photo 3 is odd: token is no number",
    "digest 0f343b0931126a20f133d67c2b018a3b",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("token", TOKENS)
def test_a_token_of_a_service_is_never_said(token, around):
    found = without_secrets(around.format(token))
    assert token[6:] not in found
    assert SECRET in found


@pytest.mark.parametrize("text", SAID)
def test_a_password_is_never_said_and_all_else_is(text):
    assert without_secrets(text) == SAID[text]
    assert without_secrets(SAID[text]) == SAID[text]


@pytest.mark.parametrize("text", STAY)
def test_what_is_no_secret_stays(text):
    assert without_secrets(text) == text


def test_errors_tracebacks_and_terminals_tell_no_secret():
    try:
        raise ValueError(f"401 for https://anna:hunter2@x.org with {TOKENS[0]}")
    except ValueError as error:
        shown = [words_of(error), said_by(error), traced(error), told(str(error))]
    for text in shown:
        assert "401 for https://(secret)@x.org with (secret)" in text
        assert "hunter2@" not in text
        assert TOKENS[0] not in text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/anna", "~"),
        ("/Users/anna/", "~"),
        ("C:\\Users\\anna", "~"),
        ("~anna", "~"),
        ("/home/anna/my photos/a b.csv", "a b.csv"),
        ("/home/anna/it's mine/a.csv", "a.csv"),
        ("C:\\\\Users\\\\anna\\\\a.csv", "a.csv"),
        ("\\\\server\\anna\\a.csv", "a.csv"),
        ("../../home/anna/a.csv", "a.csv"),
        ("file:///home/anna/a.csv", "file:a.csv"),
        ("/tmp/pytest-of-anna/x1/a.csv", "a.csv"),
    ],
)
@pytest.mark.parametrize("around", ["'{}' is gone", '"{}": empty', "[Errno 2] it is: '{}'"])
def test_a_path_is_its_name_and_a_home_is_nobodys(path, name, around):
    assert shareable(around.format(path)) == around.format(name)


def test_what_is_no_path_of_a_disk_stays():
    for text in ("km / h, 1/2, unseen-cells/seen", "https://x.org/home/anna", "a ~ b", "gpt_4o"):
        assert without_folders(text) == text


def test_modules_stand_from_where_python_found_them(monkeypatch):
    assert module_file("/home/anna/v/lib/site-packages/a/b.py") == "site-packages/a/b.py"
    monkeypatch.setattr("sys.path", ["/", "/home/anna/work"])
    assert module_file("/home/anna/work/own/method.py") == "own/method.py"
    assert module_file("/home/anna/other/method.py") == "method.py"


@pytest.mark.parametrize("unit", ["'", "/", "a/", "/a b ", "'/a'a", "token", 'password="', "eyJ"])
def test_long_texts_take_no_time(unit):
    begun = time.process_time()
    assert isinstance(shareable(unit * 20_000), str)
    assert time.process_time() - begun < 3
    assert re.search(r"\S", shareable("-----BEGIN PRIVATE KEY-----" * 2000))


def test_a_benchmark_whose_records_would_publish_a_secret_is_refused(tmp_path):
    text = (
        "benchmarks:\n  - name: own\n    dataset: {name: folder, root: ., licence: '%s'}\n"
        "    splits: [random]\n    methods: [uniform]\n    metrics: [distance]\n"
    )
    with pytest.raises(ConfigError, match=r"b\.yaml:2.*holds a token.*environment") as told_so:
        small_run.read(tmp_path, text % f"see {TOKENS[0]}")
    assert TOKENS[0] not in str(told_so.value)
    small_run.read(tmp_path, text % "CC BY 4.0, https://x.org/by@4")
