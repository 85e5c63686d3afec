"""boto3 uses what `aldis login` stored, and `aldis` what boto3 stored."""

import concurrent.futures
import datetime
import hashlib
import json
import os
import subprocess
import sys

import boto3
import pytest

from conftest import configure, log_in

TOKEN = ".aws/sso/cache/" + hashlib.sha1(b"dev").hexdigest() + ".json"


@pytest.fixture
def home(signed_in, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in signed_in.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return signed_in


def token_file(center):
    return center.folder / "home" / TOKEN


def shorten(center, minutes):
    """Makes the stored token look as if it ended in so many minutes."""
    path = token_file(center)
    token = json.loads(path.read_text())
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    token["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps(token))
    return token


def test_identity(home):
    identity = boto3.Session(profile_name="dev").client("sts").get_caller_identity()
    assert identity["Account"] == "111122223333"
    assert "assumed-role/AWSReservedSSO_ReadOnly_" in identity["Arn"]
    assert identity["Arn"].endswith("/demo")
    ours = json.loads(home.aldis("whoami", "--profile", "dev", "--output", "json").stdout)
    assert ours["Arn"] == identity["Arn"]


def test_listing(home):
    token = json.loads(token_file(home).read_text())["accessToken"]
    portal = boto3.Session(profile_name="dev").client("sso", region_name=home.ready["region"])
    pages = portal.get_paginator("list_accounts").paginate(accessToken=token, PaginationConfig={"PageSize": 2})
    accounts = [account["accountId"] for page in pages for account in page["accountList"]]
    assert accounts == ["111122223333", "222233334444", "333344445555"]
    pages = portal.get_paginator("list_account_roles").paginate(accessToken=token, accountId=accounts[0])
    roles = [role["roleName"] for page in pages for role in page["roleList"]]
    assert roles == ["AdministratorAccess", "Developer", "ReadOnly"]


def test_credentials_process_is_taken(home):
    config = home.folder / "home" / ".aws" / "config"
    words = f"{os.path.abspath(os.environ.get('ALDIS_BIN', ''))} creds --profile dev"
    more = f"\n[profile through]\ncredential_process = {words}\nregion = eu-central-1\nservices = aldis-local\n"
    config.write_text(config.read_text() + more)
    identity = boto3.Session(profile_name="through").client("sts").get_caller_identity()
    assert identity["Account"] == "111122223333"


def test_refresh_by_boto3_and_then_by_aldis(home):
    before = shorten(home, 5)
    boto3.Session(profile_name="dev").client("sts").get_caller_identity()
    after = json.loads(token_file(home).read_text())
    assert after["accessToken"] != before["accessToken"]
    assert after["refreshToken"] != before["refreshToken"]

    shorten(home, 5)
    home.aldis("accounts", "--sso-session", "dev")
    last = json.loads(token_file(home).read_text())
    assert last["accessToken"] != after["accessToken"]
    boto3.Session(profile_name="dev").client("sts").get_caller_identity()


def test_eight_processes_refresh_one_file_at_once(home):
    shorten(home, 5)
    program = (
        "import boto3; print(boto3.Session(profile_name='dev').client('sts').get_caller_identity()['Account'])"
    )

    def one(_):
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, range(8)))
    assert [run.stdout.strip() for run in done] == ["111122223333"] * 8, [run.stderr for run in done]
    home.aldis("whoami", "--profile", "dev")


def test_the_aws_shaped_start_url_works_as_well(center):
    configure(center, center.aws_start_url)
    log_in(center, "login", "--profile", "dev")
    done = center.aldis("whoami", "--profile", "dev", "--output", "json")
    assert json.loads(done.stdout)["Account"] == "111122223333"


def test_a_legacy_profile(center):
    configure(center)
    config = center.folder / "home" / ".aws" / "config"
    config.write_text(
        config.read_text()
        + f"\n[profile old]\nsso_start_url = {center.aws_start_url}\nsso_region = {center.ready['region']}\n"
        + "sso_account_id = 222233334444\nsso_role_name = Developer\nservices = aldis-local\n"
    )
    log_in(center, "login", "--profile", "old")
    name = hashlib.sha1(center.aws_start_url.encode()).hexdigest()
    token = json.loads((center.folder / "home" / f".aws/sso/cache/{name}.json").read_text())
    assert "refreshToken" not in token
    environment = {**center.environment, "AWS_EC2_METADATA_DISABLED": "true"}
    program = (
        "import boto3; s = boto3.Session(profile_name='old', region_name='eu-west-1');"
        "print(s.client('sts').get_caller_identity()['Arn'])"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert "arn:aws:sts::222233334444:assumed-role/AWSReservedSSO_Developer_" in done.stdout, done.stderr
