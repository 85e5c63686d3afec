"""Every operation and every error of the contract, asked by raw botocore clients and, for what botocore would not send, by
plain HTTP."""

import http.client
import json
import resource
import signal
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from conftest import Center

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = ["sso:account:access"]
CORAL = "http://internal.amazon.com/coral/com.amazonaws.sso.oidc/"


class Signer:
    """The steps of a sign-in, each one callable by itself."""

    def __init__(self, center):
        self.center = center
        self.oidc = center.client("sso-oidc")
        self.portal = center.client("sso")

    def register(self, **more):
        asked = {"clientName": "botocore-client-dev", "clientType": "public", "scopes": SCOPES, **more}
        return self.oidc.register_client(**{name: value for name, value in asked.items() if value is not None})

    def start(self, client, start_url=None):
        return self.oidc.start_device_authorization(
            clientId=client["clientId"],
            clientSecret=client["clientSecret"],
            startUrl=start_url or self.center.aws_start_url,
        )

    def token(self, client, grant=DEVICE, **more):
        return self.oidc.create_token(
            clientId=client["clientId"], clientSecret=client["clientSecret"], grantType=grant, **more
        )

    def sign_in(self, **more):
        client = self.register(**more)
        started = self.start(client)
        self.center.decide("approve", started["userCode"])
        return client, self.token(client, deviceCode=started["deviceCode"])

    def role(self, token, account="111122223333", role="ReadOnly"):
        answer = self.portal.get_role_credentials(accessToken=token, accountId=account, roleName=role)
        return answer["roleCredentials"]

    def sts(self, credentials, **other):
        keys = {
            "aws_access_key_id": credentials["accessKeyId"],
            "aws_secret_access_key": credentials["secretAccessKey"],
            "aws_session_token": credentials["sessionToken"],
            **other,
        }
        return self.center.client("sts", **keys)


@pytest.fixture
def signer(center):
    return Signer(center)


def refused(name, status, call, *words, **more):
    with pytest.raises(ClientError) as caught:
        call(*words, **more)
    answer = caught.value.response
    assert answer["Error"]["Code"] == name, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    return answer


def raw(center, method, path, body=None, headers=None):
    """One HTTP request as it is; the answer's status, headers and body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(center.url).netloc, timeout=10)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def raw_json(center, path, value):
    return raw(center, "POST", path, json.dumps(value), {"Content-Type": "application/json"})


class TestOperations:
    def test_register(self, signer):
        client = signer.register()
        assert client["clientSecretExpiresAt"] - client["clientIdIssuedAt"] == 90 * 24 * 3600
        assert len(client["clientId"]) <= 100
        assert client["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert client["ResponseMetadata"]["HTTPHeaders"]["cache-control"] == "no-store"

    def test_start(self, signer, center):
        started = signer.start(signer.register())
        assert (started["expiresIn"], started["interval"]) == (600, 1)
        assert started["verificationUri"] == center.url + "/device"
        assert started["verificationUriComplete"] == f"{center.url}/device?user_code={started['userCode']}"
        assert set(started["userCode"]) <= set("BCDFGHJKLMNPQRSTVWXZ-")

    def test_each_name_of_the_organisation_is_known(self, signer, center):
        client = signer.register()
        for name in (center.url, center.start_url, center.start_url + "/#/", "https://any-name.awsapps.com/start"):
            assert signer.start(client, name)["userCode"]

    def test_tokens_and_refresh(self, signer):
        client, first = signer.sign_in()
        assert first["tokenType"] == "Bearer"
        assert first["expiresIn"] == 3600
        assert first["accessToken"].startswith("aoa") and first["refreshToken"].startswith("aor")
        assert first["ResponseMetadata"]["HTTPHeaders"]["cache-control"] == "no-store"
        second = signer.token(client, "refresh_token", refreshToken=first["refreshToken"])
        assert second["accessToken"] != first["accessToken"]

    def test_portal(self, signer):
        _, tokens = signer.sign_in()
        accounts = signer.portal.list_accounts(accessToken=tokens["accessToken"], maxResults=2)
        assert [account["accountId"] for account in accounts["accountList"]] == ["111122223333", "222233334444"]
        rest = signer.portal.list_accounts(accessToken=tokens["accessToken"], nextToken=accounts["nextToken"])
        assert [account["accountId"] for account in rest["accountList"]] == ["333344445555"]
        assert "nextToken" not in rest
        credentials = signer.role(tokens["accessToken"])
        assert len(str(credentials["expiration"])) == 13
        identity = signer.sts(credentials).get_caller_identity()
        assert identity["Account"] == "111122223333"
        signer.portal.logout(accessToken=tokens["accessToken"])
        refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken=tokens["accessToken"])

    def test_every_step_is_logged_under_one_workflow(self, signer, center):
        _, tokens = signer.sign_in()
        signer.sts(signer.role(tokens["accessToken"])).get_caller_identity()
        records = center.audit()
        names = [record["eventName"] for record in records]
        assert names == [
            "RegisterClient",
            "StartDeviceAuthorization",
            "DecideDeviceAuthorization",
            "CreateToken",
            "GetRoleCredentials",
            "GetCallerIdentity",
        ]
        workflows = {record["additionalEventData"].get("AuthWorkflowID") for record in records[1:]}
        assert len(workflows) == 1 and None not in workflows
        log = json.dumps(records)
        for secret in (tokens["accessToken"], tokens["refreshToken"]):
            assert secret not in log


class TestOidcErrors:
    def test_pending_and_slow_down(self, signer, center):
        client = signer.register()
        code = signer.start(client)["deviceCode"]
        for _ in range(2):
            refused("AuthorizationPendingException", 400, signer.token, client, deviceCode=code)
        answer = refused("SlowDownException", 400, signer.token, client, deviceCode=code)
        assert answer["error"] == "slow_down"
        center.clock("+7s")
        refused("AuthorizationPendingException", 400, signer.token, client, deviceCode=code)

    def test_denied(self, signer, center):
        client = signer.register()
        started = signer.start(client)
        center.decide("deny", started["userCode"])
        answer = refused("AccessDeniedException", 400, signer.token, client, deviceCode=started["deviceCode"])
        assert answer["error"] == "access_denied"

    def test_expired_then_unknown(self, signer, center):
        client = signer.register()
        started = signer.start(client)
        center.clock("+10m")
        refused("ExpiredTokenException", 400, signer.token, client, deviceCode=started["deviceCode"])
        center.clock("+61m")
        refused("InvalidGrantException", 400, signer.token, client, deviceCode=started["deviceCode"])

    def test_used_and_unknown_codes(self, signer, center):
        client = signer.register()
        started = signer.start(client)
        center.decide("approve", started["userCode"])
        signer.token(client, deviceCode=started["deviceCode"])
        refused("InvalidGrantException", 400, signer.token, client, deviceCode=started["deviceCode"])
        refused("InvalidGrantException", 400, signer.token, client, deviceCode="unknown")

    def test_refresh_token_replay(self, signer, center):
        client, first = signer.sign_in()
        second = signer.token(client, "refresh_token", refreshToken=first["refreshToken"])
        again = signer.token(client, "refresh_token", refreshToken=first["refreshToken"])
        assert (again["accessToken"], again["refreshToken"]) == (second["accessToken"], second["refreshToken"])
        center.clock("+10m")
        lost = signer.token(client, "refresh_token", refreshToken=first["refreshToken"])
        assert lost["accessToken"] == second["accessToken"]
        assert lost["expiresIn"] <= 3000
        signer.portal.list_accounts(accessToken=second["accessToken"])
        refresh = first["refreshToken"]
        refused("InvalidGrantException", 400, signer.token, client, "refresh_token", refreshToken=refresh)
        refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken=second["accessToken"])

    def test_the_session_ends_after_eight_hours(self, signer, center):
        client, tokens = signer.sign_in()
        center.clock("+8h")
        refresh = tokens["refreshToken"]
        answer = refused("InvalidGrantException", 400, signer.token, client, "refresh_token", refreshToken=refresh)
        assert answer["error_description"] == "Invalid refresh token provided"

    def test_invalid_client(self, signer, center):
        client = signer.register()
        other = signer.register()
        for wrong in (
            {**client, "clientSecret": "wrong"},
            {**client, "clientSecret": other["clientSecret"]},
            {**client, "clientId": "unknown"},
        ):
            answer = refused("InvalidClientException", 401, signer.start, wrong)
            assert answer["error_description"] == "Invalid client provided"
        center.clock("+2160h")
        refused("InvalidClientException", 401, signer.start, client)

    def test_registrations_that_are_refused(self, signer):
        callback = ["http://127.0.0.1/oauth/callback"]
        code = ["authorization_code", "refresh_token"]
        refused("InvalidClientMetadataException", 400, signer.register, clientType="confidential")
        refused("InvalidScopeException", 400, signer.register, scopes=["root"])
        refused("UnsupportedGrantTypeException", 400, signer.register, grantTypes=["password"])
        evil = ["https://example.com/oauth/callback"]
        refused("InvalidRedirectUriException", 400, signer.register, grantTypes=code, redirectUris=evil)
        both = ["authorization_code", DEVICE]
        refused("InvalidClientMetadataException", 400, signer.register, grantTypes=both, redirectUris=callback)

    def test_unauthorized_client(self, signer):
        callback = ["http://127.0.0.1/oauth/callback"]
        grants = ["authorization_code", "refresh_token"]
        client = signer.register(grantTypes=grants, redirectUris=callback)
        refused("UnauthorizedClientException", 400, signer.start, client)
        device = signer.register()
        refused("UnauthorizedClientException", 400, signer.token, device, "authorization_code", code="x")
        no_refresh = signer.register(grantTypes=[DEVICE])
        refused("UnauthorizedClientException", 400, signer.token, no_refresh, "refresh_token", refreshToken="x")

    def test_unsupported_grant_type(self, signer):
        refused("UnsupportedGrantTypeException", 400, signer.token, signer.register(), "password")

    def test_invalid_request(self, signer):
        client = signer.register()
        refused("InvalidRequestException", 400, signer.start, client, "https://elsewhere.example/start")
        refused("InvalidRequestException", 400, signer.token, client)
        refused("InvalidRequestException", 400, signer.token, client, "refresh_token")

    @pytest.mark.parametrize(
        "path, body",
        [
            ("/client/register", {"clientName": 1, "clientType": "public"}),
            ("/client/register", {"clientName": "n", "clientType": "public", "scopes": "sso:account:access"}),
            ("/client/register", {"clientType": "public"}),
            ("/client/register", []),
            ("/client/register", None),
            ("/device_authorization", {"clientId": "a", "clientSecret": "b"}),
            ("/device_authorization", {"clientId": "a", "clientSecret": "b", "startUrl": ["x"]}),
            ("/token", {"clientId": "a", "clientSecret": "b"}),
            ("/token", {"clientId": "a", "clientSecret": "b", "grantType": DEVICE, "deviceCode": 7}),
        ],
    )
    def test_wrong_types_and_missing_members(self, center, path, body):
        status, headers, text = raw_json(center, path, body)
        assert status == 400
        assert headers["x-amzn-errortype"] == "InvalidRequestException:" + CORAL
        assert json.loads(text)["error"] == "invalid_request"

    def test_text_that_is_not_json(self, center):
        for body in ("", "{", "\x00", '{"clientName":"a","clientName":"b","clientType":"public"}'):
            status, headers, _ = raw(center, "POST", "/token", body, {"Content-Type": "application/json"})
            assert status == 400 and headers["x-amzn-errortype"].startswith("InvalidRequestException")

    def test_each_member_that_some_client_reads(self, center):
        _, headers, text = raw_json(center, "/token", {"clientId": "x", "clientSecret": "y", "grantType": DEVICE})
        body = json.loads(text)
        assert headers["x-amzn-errortype"] == "InvalidClientException:" + CORAL
        assert headers["x-amzn-requestid"]
        assert headers["cache-control"] == "no-store"
        assert body["error"] == "invalid_client"
        assert body["error_description"] == body["message"] == "Invalid client provided"
        assert body["__type"] == "com.amazonaws.sso.oidc#InvalidClientException"

    def test_a_center_that_cannot_write_answers_500_and_tells_nothing(self, tmp_path):
        def no_room():
            # Writes beyond this size fail; without the signal the process would be ended instead.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

        full = Center(tmp_path, "--data", str(tmp_path / "center.db"), preexec=no_room)
        try:
            signer = Signer(full)
            with pytest.raises(ClientError) as caught:
                for _ in range(500):
                    signer.register()
            answer = caught.value.response
            assert answer["Error"]["Code"] == "InternalServerException", answer
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
            assert answer["error"] == "server_error"
            assert "sqlite" not in json.dumps(answer).lower()
        finally:
            full.stop()


class TestPortalErrors:
    def test_unauthorized(self, signer, center):
        _, tokens = signer.sign_in()
        answer = refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken="aoaunknown")
        assert answer["Error"]["Message"] == "Session token not found or invalid"
        refused("UnauthorizedException", 401, signer.portal.logout, accessToken=tokens["refreshToken"])
        center.clock("+1h")
        refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken=tokens["accessToken"])
        status, headers, _ = raw(center, "GET", "/assignment/accounts")
        assert status == 401 and headers["x-amzn-errortype"].startswith("UnauthorizedException")

    def test_forbidden(self, signer):
        _, tokens = signer.sign_in()
        answer = refused("ForbiddenException", 403, signer.role, tokens["accessToken"], role="Root")
        assert answer["Error"]["Message"] == "No access"
        refused("ForbiddenException", 403, signer.role, tokens["accessToken"], account="999999999999")
        _, narrow = signer.sign_in(scopes=["openid"])
        refused("ForbiddenException", 403, signer.portal.list_accounts, accessToken=narrow["accessToken"])

    def test_not_found_and_invalid(self, signer, center):
        _, tokens = signer.sign_in()
        token = tokens["accessToken"]
        roles = signer.portal.list_account_roles
        refused("ResourceNotFoundException", 404, roles, accessToken=token, accountId="999999999999")
        refused("InvalidRequestException", 400, roles, accessToken=token, accountId="12")
        bearer = {"x-amz-sso_bearer_token": token}
        for path in (
            "/assignment/accounts?max_result=0",
            "/assignment/accounts?max_result=101",
            "/assignment/accounts?max_result=many",
            "/assignment/accounts?next_token=%21",
            "/assignment/roles",
            "/assignment/roles?account_id=111122223333&account_id=111122223333",
            "/federation/credentials?account_id=111122223333",
            "/federation/credentials?role_name=ReadOnly",
        ):
            status, headers, text = raw(center, "GET", path, headers=bearer)
            assert status == 400, path
            assert headers["x-amzn-errortype"].startswith("InvalidRequestException"), path
            assert json.loads(text)["__type"] == "com.amazonaws.switchboard.portal#InvalidRequestException"

    def test_a_legacy_token_opens_the_portal_for_eight_hours(self, signer, center):
        _, tokens = signer.sign_in(scopes=None)
        assert tokens["expiresIn"] == 8 * 3600 and "refreshToken" not in tokens
        center.clock("+7h")
        assert signer.portal.list_accounts(accessToken=tokens["accessToken"])["accountList"]
        center.clock("+1h")
        refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken=tokens["accessToken"])


class TestStsErrors:
    def test_wrong_keys_and_tokens(self, signer):
        _, tokens = signer.sign_in()
        good = signer.role(tokens["accessToken"])
        other = signer.role(tokens["accessToken"])
        wrong_secret = signer.sts(good, aws_secret_access_key="wrong")
        refused("SignatureDoesNotMatch", 403, wrong_secret.get_caller_identity)
        wrong_token = signer.sts(good, aws_session_token="wrong")
        refused("InvalidClientTokenId", 403, wrong_token.get_caller_identity)
        foreign_token = signer.sts(good, aws_session_token=other["sessionToken"])
        refused("InvalidClientTokenId", 403, foreign_token.get_caller_identity)
        unknown_key = signer.sts(good, aws_access_key_id="ASIAUNKNOWN")
        refused("InvalidClientTokenId", 403, unknown_key.get_caller_identity)

    def test_expired(self, signer, center):
        _, tokens = signer.sign_in()
        sts = signer.sts(signer.role(tokens["accessToken"]))
        center.clock("+1h")
        refused("ExpiredToken", 403, sts.get_caller_identity)

    def test_unsigned_and_unknown_actions(self, signer, center):
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        status, _, text = raw(center, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", form)
        assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in text
        broken = {**form, "Authorization": "AWS4-HMAC-SHA256 Credential=x"}
        status, _, text = raw(center, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", broken)
        assert status == 400 and "<Code>IncompleteSignature</Code>" in text
        _, tokens = signer.sign_in()
        sts = signer.sts(signer.role(tokens["accessToken"]))
        refused("InvalidAction", 400, sts.get_session_token)


class TestFaces:
    def test_metadata_names_its_issuer_exactly(self, center):
        status, _, text = raw(center, "GET", "/.well-known/oauth-authorization-server")
        metadata = json.loads(text)
        assert status == 200
        assert metadata["issuer"] == center.url and not center.url.endswith("/")
        assert metadata["aldis"]["start_url"] == center.start_url
        assert {metadata["aldis"][name] for name in ("sso", "sso_oidc", "sts")} == {center.url}

    def test_another_host_is_misdirected(self, center):
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1:1"):
            status, _, _ = raw(center, "GET", "/.well-known/oauth-authorization-server", headers={"Host": host})
            assert status == 421, host

    def test_unknown_paths_are_404(self, center):
        for path in ("/nothing", "/token/", "//token", "/..%2f"):
            status, _, _ = raw(center, "POST", path, "{}")
            assert status == 404, path
