"""boto3 uses what `aldis login` stored, and `aldis` what boto3 stored."""

import concurrent.futures
import hashlib
import json

import pytest

from conftest import BINARY, IDENTITY, boto3, configure, drop_role_files, log_in, shorten, token_file


@pytest.fixture
def home(signed_in):
    return signed_in


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


def events(center, known):
    """What the center was asked since it had written so many records, and nothing that names a grant but the refresh."""
    records = center.audit()[known:]
    grants = [(record["requestParameters"] or {}).get("grantType") for record in records]
    assert set(grants) <= {None, "refresh_token"}
    return [record["eventName"] for record in records if record["eventSource"] == "sso.amazonaws.com"]


def test_boto3_asks_only_for_what_a_home_of_aldis_does_not_hold(home):
    home.aldis("creds", "--profile", "dev")
    known = len(home.audit())
    boto3(home, IDENTITY)
    # Role credentials are the one thing that boto3 does not share.
    assert events(home, known) == ["GetRoleCredentials"]
    shorten(home, 1)
    known = len(home.audit())
    boto3(home, IDENTITY)
    boto3(home, IDENTITY)
    assert events(home, known) == ["CreateToken", "GetRoleCredentials", "GetRoleCredentials"]


def test_aldis_asks_only_for_what_a_home_of_boto3_does_not_hold(home):
    shorten(home, 1)
    boto3(home, IDENTITY)
    known = len(home.audit())
    home.aldis("creds", "--profile", "dev")
    home.aldis("creds", "--profile", "dev")
    assert events(home, known) == ["GetRoleCredentials"]
    shorten(home, 1)
    drop_role_files(home)
    known = len(home.audit())
    home.aldis("creds", "--profile", "dev")
    assert events(home, known) == ["CreateToken", "GetRoleCredentials"]


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
