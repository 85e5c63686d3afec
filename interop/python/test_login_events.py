"""Every line of `aldis login --output json`, on both streams, is an object of the published schema."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request

import jsonschema
import pytest
from conftest import BINARY, PATIENCE, configure

DOCS = os.path.join(os.path.dirname(__file__), "../../docs")

with open(os.path.join(DOCS, "login-events.schema.json"), encoding="utf-8") as file:
    SCHEMA = json.load(file)


def check(line):
    event = json.loads(line)
    jsonschema.validate(event, SCHEMA, cls=jsonschema.Draft202012Validator)
    return event


class Login:
    """A sign-in as an editor runs it."""

    def __init__(self, center, *words, environment=(), stdin=subprocess.PIPE):
        self.process = subprocess.Popen(
            [BINARY, "login", *words, "--output", "json"],
            env={**center.environment, **dict(environment)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.words = []
        self.reader = threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def next(self):
        line = self.process.stdout.readline()
        return check(line) if line else None

    def answer(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self):
        """The exit code, what is left on standard output, and all of standard error."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        left = [check(line) for line in self.process.stdout]
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code, left, [check(line) for line in self.words]


def ends_on(center, link):
    """The address on which a browser ends that opens the link on a machine where nobody listens."""
    return center.aldis("center", "authorize", link, "--person", "demo", "--center", center.url).stdout.strip()


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_lines_that_are_no_event_are_found():
    for line in ("{}", '{"event":"note"}', '{"event":"note","message":"a","b":1}', '["event"]', '{"event":"other"}'):
        with pytest.raises(jsonschema.ValidationError):
            check(line)


def test_a_code(center):
    configure(center)
    login = Login(center, "--flow", "device", "--no-browser")
    asked = login.next()
    assert (asked["event"], asked["flow"], asked["paste_allowed"]) == ("action_required", "device", False)
    center.decide("approve", asked["user_code"])
    done = login.next()
    assert (done["event"], done["person"], done["stranger"]) == ("signed_in", "demo", False)
    assert "111122223333" in [account["account_id"] for account in done["accounts"]]
    assert os.path.exists(done["token_file"])
    code, left, words = login.end()
    assert (code, left) == (0, [])
    assert all(word["event"] in ("note", "warning") for word in words)

    still = Login(center, "--if-needed")
    assert still.next()["event"] == "still_signed_in"
    assert still.end()[0] == 0


def test_a_denied_code(center):
    configure(center)
    login = Login(center, "--flow", "device", "--no-browser")
    center.decide("deny", login.next()["user_code"])
    code, left, words = login.end()
    assert (code, left) == (254, [])
    assert (words[-1]["error"]["kind"], words[-1]["error"]["exit_code"]) == ("denied", 254)


@pytest.mark.parametrize("flow", ["browser", "paste"])
def test_an_answer_is_a_line_of_standard_input(center, flow):
    configure(center)
    login = Login(center, "--flow", flow, "--no-browser")
    asked = login.next()
    assert (asked["flow"], asked["paste_allowed"]) == (flow, True)
    address = ends_on(center, asked["authorization_url"])
    state = re.search(r"state=([^&]+)", address)[1]
    login.answer(address.replace(state, "somebody-elses"))
    login.answer("")
    login.answer("no answer at all")
    login.answer(f"curl '{address}'")
    assert login.next()["event"] == "signed_in"
    code, left, words = login.end()
    assert (code, left) == (0, [])
    warnings = [word["message"] for word in words if word["event"] == "warning"]
    assert len(warnings) == 2, words
    assert state not in str(words) and "code=" not in str(words)


@pytest.mark.parametrize("flow", ["browser", "paste"])
def test_a_code_that_the_center_does_not_know_ends_nothing(center, flow):
    configure(center)
    login = Login(center, "--flow", flow, "--no-browser")
    address = ends_on(center, login.next()["authorization_url"])
    right = re.search(r"code=([^&]+)", address)[1]
    wrong = right[::-1]
    for line in ("kubernetes", wrong, wrong.swapcase(), right):
        login.answer(line)
    assert login.next()["event"] == "signed_in"
    code, left, words = login.end()
    assert (code, left) == (0, [])
    warnings = [word["message"] for word in words if word["event"] == "warning"]
    assert [warning.startswith("the center does not know that code") for warning in warnings] == [False, True, True]
    assert wrong not in str(words) and right not in str(words)


def test_the_last_line_may_be_a_code_that_the_center_does_not_know(center):
    configure(center)
    login = Login(center, "--flow", "paste")
    address = ends_on(center, login.next()["authorization_url"])
    login.answer(re.search(r"code=([^&]+)", address)[1][::-1])
    code, left, words = login.end()
    assert (code, left) == (255, [])
    assert "does not know that code" in words[-2]["message"]
    assert "standard input ended" in words[-1]["error"]["message"]


def test_a_browser_that_comes_back_needs_no_line(center):
    configure(center)
    # Standard input that is empty from the beginning ends no way but the one that needs it.
    login = Login(center, "--flow", "browser", "--no-browser", stdin=subprocess.DEVNULL)
    asked = login.next()
    urllib.request.urlopen(ends_on(center, asked["authorization_url"]), timeout=PATIENCE).read()
    assert login.next()["event"] == "signed_in"
    assert login.end()[:2] == (0, [])


def test_the_end_of_standard_input_ends_a_paste(center):
    configure(center)
    login = Login(center, "--flow", "paste")
    assert login.next()["paste_allowed"] is True
    code, left, words = login.end()
    assert (code, left) == (255, [])
    assert "standard input ended" in words[-1]["error"]["message"]
    assert words[-1]["error"]["hints"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_wins_over_the_end_of_standard_input(center, ending):
    configure(center)
    for is_first in (True, False):
        login = Login(center, "--flow", "paste")
        login.next()
        if not is_first:
            login.process.stdin.close()
        login.process.send_signal(ending)
        code, left, words = login.end()
        assert (code, left, words[-1]["error"]["kind"]) == (128 + ending, [], "cancelled")


def test_it_is_cancelled(center):
    configure(center)
    login = Login(center, "--flow", "device", "--no-browser")
    login.next()
    login.process.terminate()
    code, left, words = login.end()
    assert (code, left, words[-1]["error"]["kind"]) == (143, [], "cancelled")


@pytest.mark.parametrize(
    ("words", "environment", "kind"),
    [
        (["--flow", "nonsense"], {}, "bad_arguments"),
        (["--profile", "nobody"], {}, "no_such_profile"),
        ([], {"CI": "true", "GITHUB_ACTIONS": "true"}, "not_signed_in"),
        ([], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "other"),
    ],
)
def test_what_goes_wrong(center, words, environment, kind):
    configure(center)
    code, left, said = Login(center, *words, environment=environment).end()
    assert left == []
    error = said[-1]["error"]
    assert (error["kind"], error["exit_code"]) == (kind, code)
    assert error["hints"]


def test_warnings_are_objects(center):
    configure(center)
    login = Login(center, "--flow", "browser", "--no-browser", "--callback-listen", "0.0.0.0")
    login.next()
    login.process.terminate()
    _, _, words = login.end()
    assert any("other computers" in word.get("message", "") for word in words), words


def test_an_explanation(center):
    configure(center)
    login = Login(center, "--explain", environment={"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.8 22"})
    explained = login.next()
    assert explained["decision"]["offers"][0]["way"] == "code", "no key can be pressed there"
    assert login.end() == (0, [], [])


def test_a_code_that_one_command_shows_and_another_redeems(center):
    configure(center)
    shown = Login(center, "--no-wait", "--flow", "device")
    asked, pending = shown.next(), shown.next()
    assert (asked["event"], pending["event"]) == ("action_required", "pending")
    assert pending["expires_at"] == asked["expires_at"]
    assert shown.end()[:2] == (0, [])
    center.decide("approve", asked["user_code"])
    resumed = Login(center, "--resume")
    assert resumed.next()["event"] == "signed_in"
    assert resumed.end()[0] == 0

    nothing = Login(center, "--resume")
    code, left, words = nothing.end()
    assert (code, left, words[-1]["error"]["kind"]) == (255, [], "not_signed_in")
