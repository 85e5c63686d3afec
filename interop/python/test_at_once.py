"""One home, many processes, none of which knows of the others: `aldis`, boto3 and the SDK for JavaScript renew one token at
the same time. The SDKs take no lock, so several refreshes reach the center, and it forgives them."""

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from conftest import BINARY, PATIENCE, configure, drop_role_files, log_in, sdk_environment, shorten, token_file
from relay import Relay

NODE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../node"))
BOTO3 = """
import boto3, json, sys
print("ready", flush=True)
sys.stdin.readline()
identity = boto3.client("sts").get_caller_identity()
print(json.dumps(identity["Account"]))
"""
JAVASCRIPT = """
import { once } from "node:events";
import { fromSSO } from "@aws-sdk/credential-providers";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
console.log("ready");
await once(process.stdin, "data");
const sts = new STSClient({ region: "eu-central-1", credentials: fromSSO() });
const { Account } = await sts.send(new GetCallerIdentityCommand({}));
console.log(JSON.stringify(Account));
process.exit();
"""


class Running:
    """A process in the center's home, with the profile `dev` by its variable: the SDK for JavaScript looks for endpoints in
    no other profile, whatever it is told in code."""

    def __init__(self, center, words, **more):
        self.process = subprocess.Popen(
            words,
            env={**sdk_environment(center), "AWS_PROFILE": "dev"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def answer(self):
        """The JSON that it prints."""
        out, errors = self.process.communicate(timeout=2 * PATIENCE)
        assert self.process.returncode == 0, f"{self.process.args}\n{out}\n{errors}"
        return json.loads(out)


class Runner(Running):
    """One at the starting line, with all that takes time to load behind it."""

    def __init__(self, center, words, **more):
        super().__init__(center, words, **more)
        line = self.process.stdout.readline()
        assert line == "ready\n", f"{words}\n{line}\n{self.process.communicate(timeout=PATIENCE)[1]}"

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


def boto3_runner(center):
    return Runner(center, [sys.executable, "-c", BOTO3])


def javascript_runner(center):
    node = shutil.which("node")
    packages = os.path.join(NODE, "node_modules/@aws-sdk/credential-providers")
    if not node or not os.path.isdir(packages):
        what = packages if node else "the program `node`"
        pytest.fail(f"{what} is not there; type: cargo xtask prepare")
    return Runner(center, [node, "--input-type=module", "--eval", JAVASCRIPT], cwd=NODE)


@pytest.fixture
def relay(center):
    relay = Relay(center.url)
    configure(center, front=relay.url)
    log_in(center, "login", "--use-device-code", "--profile", "dev")
    yield relay
    relay.stop()


def race(center, relay, runners, count):
    """All send the refresh token of one file: the runners, and of so many `aldis creds` the one that has the lock. Hands
    over what the runners and then what the others print."""
    relay.hold("POST /token")
    for runner in runners:
        runner.go()
    relay.wait_for_held(len(runners))
    ours = [Running(center, [BINARY, "creds"]) for _ in range(count)]
    relay.wait_for_held(len(runners) + 1)
    relay.release()
    return [runner.answer() for runner in runners], [process.answer() for process in ours]


def refreshes(records):
    return [record for record in records if (record["requestParameters"] or {}).get("grantType") == "refresh_token"]


def named(records, event, agent=""):
    return [record for record in records if record["eventName"] == event and agent in record["userAgent"]]


def check(center, relay, runners, count):
    """Lets them race and checks what they got, what the center saw, and what lies in the home afterwards."""
    before = json.loads(token_file(center).read_text())
    known, asked = len(center.audit()), relay.count("POST /token")
    theirs, ours = race(center, relay, runners, count)
    assert theirs == ["111122223333"] * len(runners)
    assert ours == [ours[0]] * count
    keys = {
        "aws_access_key_id": ours[0]["AccessKeyId"],
        "aws_secret_access_key": ours[0]["SecretAccessKey"],
        "aws_session_token": ours[0]["SessionToken"],
    }
    assert center.client("sts", **keys).get_caller_identity()["Account"] == "111122223333"

    records = center.audit()[known:]
    assert not named(records, "RegisterClient") and not named(records, "StartDeviceAuthorization")
    assert not [record for record in records if "SessionEnded" in record["additionalEventData"]]
    sent = refreshes(records)
    assert len(sent) == relay.count("POST /token") - asked == len(runners) + 1
    # One of them renewed; the others got what it got.
    assert len([record for record in sent if record["additionalEventData"].get("Replayed")]) == len(runners)
    assert len([record for record in sent if record["userAgent"].startswith("aldis/")]) == 1
    assert len(named(records, "GetRoleCredentials", "aldis/")) == 1
    assert len(named(records, "GetRoleCredentials")) == len(runners) + 1

    path = token_file(center)
    after = json.loads(path.read_text())
    assert after["refreshToken"] != before["refreshToken"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    accounts = center.client("sso").list_accounts(accessToken=after["accessToken"])["accountList"]
    assert len(accounts) == 3
    shorten(center, -1)
    drop_role_files(center)
    center.aldis("creds", "--profile", "dev")
    last = refreshes(center.audit())[-1]
    assert not last.get("errorCode") and "Replayed" not in last["additionalEventData"]


@pytest.mark.parametrize(("count", "minutes"), [(20, 1), (50, -1)], ids=["twenty-before", "fifty-after"])
def test_aldis_and_five_boto3_at_the_moment_of_expiry(center, relay, count, minutes):
    shorten(center, minutes)
    check(center, relay, [boto3_runner(center) for _ in range(5)], count)


@pytest.mark.parametrize("minutes", [1, -1], ids=["before", "after"])
def test_javascript_boto3_and_aldis_race_for_one_refresh(center, relay, minutes):
    shorten(center, minutes)
    check(center, relay, [javascript_runner(center), boto3_runner(center)], 8)
