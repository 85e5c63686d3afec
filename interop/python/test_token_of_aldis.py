"""boto3 uses what `aldis login` stored, and `aldis` what boto3 stored."""

import concurrent.futures
import datetime
import hashlib
import json
import subprocess
import sys

import pytest

from conftest import BINARY, configure, log_in

TOKEN = ".aws/sso/cache/" + hashlib.sha1(b"dev").hexdigest() + ".json"


@pytest.fixture
def home(signed_in):
    return signed_in


def boto3(center, program, profile="dev"):
    """Runs Python lines with a session `s` in the center's home. A process of its own, since botocore looks for the home
    when it is imported."""
    program = f"import boto3, json\ns = boto3.Session(profile_name={profile!r})\n{program}"
    environment = {**center.environment, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


IDENTITY = """
identity = s.client("sts").get_caller_identity()
print(json.dumps({name: identity[name] for name in ("Account", "Arn", "UserId")}))
"""


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
    identity = boto3(home, IDENTITY)
    assert identity["Account"] == "111122223333"
    assert "assumed-role/AWSReservedSSO_ReadOnly_" in identity["Arn"]
    assert identity["Arn"].endswith("/demo")
    ours = json.loads(home.aldis("whoami", "--profile", "dev", "--output", "json").stdout)
    assert ours["Arn"] == identity["Arn"]


def test_listing(home):
    listed = boto3(
        home,
        f"""
token = json.load(open({str(token_file(home))!r}))["accessToken"]
portal = s.client("sso", region_name={home.ready["region"]!r})
pages = portal.get_paginator("list_accounts").paginate(accessToken=token, PaginationConfig={{"PageSize": 2}})
accounts = [account["accountId"] for page in pages for account in page["accountList"]]
pages = portal.get_paginator("list_account_roles").paginate(accessToken=token, accountId=accounts[0])
roles = [role["roleName"] for page in pages for role in page["roleList"]]
print(json.dumps([accounts, roles]))
""",
    )
    accounts, roles = listed
    assert accounts == ["111122223333", "222233334444", "333344445555"]
    assert roles == ["AdministratorAccess", "Developer", "ReadOnly"]


def test_credentials_process_is_taken(home):
    config = home.folder / "home" / ".aws" / "config"
    words = f"{BINARY} creds --profile dev"
    more = f"\n[profile through]\ncredential_process = {words}\nregion = eu-central-1\nservices = aldis-local\n"
    config.write_text(config.read_text() + more)
    assert boto3(home, IDENTITY, profile="through")["Account"] == "111122223333"


def test_refresh_by_boto3_and_then_by_aldis(home):
    before = shorten(home, 5)
    boto3(home, IDENTITY)
    after = json.loads(token_file(home).read_text())
    assert after["accessToken"] != before["accessToken"]
    assert after["refreshToken"] != before["refreshToken"]

    shorten(home, 5)
    home.aldis("accounts", "--sso-session", "dev")
    last = json.loads(token_file(home).read_text())
    assert last["accessToken"] != after["accessToken"]
    boto3(home, IDENTITY)


def test_eight_processes_refresh_one_file_at_once(home):
    shorten(home, 5)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        identities = list(pool.map(lambda _: boto3(home, IDENTITY), range(8)))
    assert {identity["Account"] for identity in identities} == {"111122223333"}
    home.aldis("whoami", "--profile", "dev")


def test_the_aws_shaped_start_url_works_as_well(center):
    configure(center, center.aws_start_url)
    log_in(center, "login", "--use-device-code", "--profile", "dev")
    done = center.aldis("whoami", "--profile", "dev", "--output", "json")
    assert json.loads(done.stdout)["Account"] == "111122223333"


def test_a_legacy_profile(center):
    configure(center)
    config = center.folder / "home" / ".aws" / "config"
    config.write_text(
        config.read_text()
        + f"\n[profile old]\nsso_start_url = {center.aws_start_url}\nsso_region = {center.ready['region']}\n"
        + "sso_account_id = 222233334444\nsso_role_name = Developer\nregion = eu-west-1\nservices = aldis-local\n"
    )
    log_in(center, "login", "--use-device-code", "--profile", "old")
    name = hashlib.sha1(center.aws_start_url.encode()).hexdigest()
    token = json.loads((center.folder / "home" / f".aws/sso/cache/{name}.json").read_text())
    assert "refreshToken" not in token
    assert "arn:aws:sts::222233334444:assumed-role/AWSReservedSSO_Developer_" in boto3(center, IDENTITY, "old")["Arn"]
