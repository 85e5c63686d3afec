"""Every operation and every error of the contract, asked by raw botocore clients and, for what botocore would not send, by
plain HTTP."""

import base64
import hashlib
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
CODE = {"grantTypes": ["authorization_code", "refresh_token"], "redirectUris": ["http://127.0.0.1/oauth/callback"]}
REDIRECT_URI = "http://127.0.0.1:38381/oauth/callback"
VERIFIER = "-._~" * 16
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

    def question(self, client, **other):
        """The address that the AWS CLI opens in a browser; a parameter that is None is left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": client["clientId"],
            "redirect_uri": REDIRECT_URI,
            "state": "5b9d3f9c-6f4e-4a55-9d0a-000000000000",
            "code_challenge_method": "S256",
            "scopes": "sso:account:access",
            "code_challenge": challenge,
            **other,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        return "/authorize?" + urllib.parse.urlencode(asked, quote_via=urllib.parse.quote, safe="")

    def code(self, client, **other):
        """A code that an administrator let through."""
        url = self.center.url + self.question(client, **other)
        done = self.center.aldis("center", "authorize", url, "--person", "demo", "--center", self.center.url)
        return answered(done.stdout.strip())["code"]

    def exchange(self, client, code, **other):
        parts = {"code": code, "redirectUri": REDIRECT_URI, "codeVerifier": VERIFIER, **other}
        parts = {name: value for name, value in parts.items() if value is not None}
        return self.token(client, "authorization_code", **parts)

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


def answered(location, redirect_uri=REDIRECT_URI):
    """The parameters of a redirect back to the client."""
    assert location.startswith(redirect_uri + "?"), location
    return dict(urllib.parse.parse_qsl(location.split("?", 1)[1], strict_parsing=True))


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


class TestCodeGrant:
    def test_from_browser_to_portal(self, signer, center):
        client = signer.register(**CODE, issuerUrl=center.start_url)
        tokens = signer.exchange(client, signer.code(client))
        assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", 3600)
        assert signer.portal.list_accounts(accessToken=tokens["accessToken"])["accountList"]
        second = signer.token(client, "refresh_token", refreshToken=tokens["refreshToken"])
        assert second["accessToken"] != tokens["accessToken"]
        records = center.audit()
        workflows = {record["additionalEventData"].get("AuthWorkflowID") for record in records[1:]}
        assert [record["eventName"] for record in records[1:3]] == ["Authorize", "CreateToken"]
        assert len(workflows) == 1 and None not in workflows

    def test_auto_approval_redirects_at_once(self, tmp_path):
        center = Center(tmp_path, "--memory", "--auto-approve", "demo")
        try:
            signer = Signer(center)
            client = signer.register(**CODE)
            status, headers, text = raw(center, "GET", signer.question(client))
            assert status in (302, 303) and text == ""
            assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
            back = answered(headers["location"])
            assert back["iss"] == center.url
            assert back["state"] == "5b9d3f9c-6f4e-4a55-9d0a-000000000000"
            assert signer.exchange(client, back["code"])["accessToken"]
        finally:
            center.stop()

    def test_a_page_asks_who_decides(self, signer, center):
        client = signer.register(**CODE)
        status, headers, page = raw(center, "GET", signer.question(client))
        assert status == 200 and headers["content-type"].startswith("text/html")
        assert all(f'name="{field}"' in page for field in ("username", "password", "csrf", "return_to"))

    def test_without_client_or_redirect_uri_a_page_and_no_redirect(self, signer, center):
        client = signer.register(**CODE)
        for other in (
            {"client_id": "unknown"},
            {"client_id": None},
            {"redirect_uri": None},
            {"redirect_uri": "https://evil.example/oauth/callback"},
            {"redirect_uri": "http://localhost:38381/oauth/callback"},
        ):
            status, headers, _ = raw(center, "GET", signer.question(client, **other))
            assert status == 400 and "location" not in headers, other
            assert headers["content-type"].startswith("text/html")

    @pytest.mark.parametrize(
        "other, error",
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": None}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"scopes": "openid"}, "invalid_scope"),
        ],
    )
    def test_other_faults_go_back(self, signer, center, other, error):
        client = signer.register(**CODE)
        status, headers, _ = raw(center, "GET", signer.question(client, **other))
        back = answered(headers["location"])
        assert status in (302, 303)
        assert (back["error"], back["iss"]) == (error, center.url)
        assert back["state"] == "5b9d3f9c-6f4e-4a55-9d0a-000000000000"

    def test_what_does_not_fit_the_code(self, signer):
        client, other = signer.register(**CODE), signer.register(**CODE)
        code = signer.code(client)
        refused("InvalidGrantException", 400, signer.exchange, other, code)
        refused("InvalidGrantException", 400, signer.exchange, client, "unknown")
        refused("InvalidGrantException", 400, signer.exchange, client, code, codeVerifier="a" * 64)
        elsewhere = "http://127.0.0.1:38382/oauth/callback"
        refused("InvalidGrantException", 400, signer.exchange, client, code, redirectUri=elsewhere)
        for wrong in ({"codeVerifier": None}, {"redirectUri": None}, {"codeVerifier": "a" * 42}):
            refused("InvalidRequestException", 400, signer.exchange, client, code, **wrong)
        wrong_secret = {**client, "clientSecret": other["clientSecret"]}
        refused("InvalidClientException", 401, signer.exchange, wrong_secret, code)
        assert signer.exchange(client, code)["accessToken"]

    def test_a_second_use_ends_what_the_first_gave(self, signer):
        client = signer.register(**CODE)
        code = signer.code(client)
        tokens = signer.exchange(client, code)
        answer = refused("InvalidGrantException", 400, signer.exchange, client, code)
        assert answer["error"] == "invalid_grant"
        refused("UnauthorizedException", 401, signer.portal.list_accounts, accessToken=tokens["accessToken"])
        refresh = tokens["refreshToken"]
        refused("InvalidGrantException", 400, signer.token, client, "refresh_token", refreshToken=refresh)

    def test_a_code_lives_five_minutes(self, signer, center):
        client = signer.register(**CODE)
        early, late = signer.code(client), signer.code(client)
        center.clock("+299s")
        assert signer.exchange(client, early)["accessToken"]
        center.clock("+1s")
        refused("InvalidGrantException", 400, signer.exchange, client, late)


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
        neither = ["refresh_token"]
        refused("InvalidClientMetadataException", 400, signer.register, grantTypes=neither, redirectUris=callback)

    def test_one_client_may_have_both_grants(self, signer):
        callback = ["http://127.0.0.1/oauth/callback"]
        both = ["authorization_code", DEVICE, "refresh_token"]
        client = signer.register(grantTypes=both, redirectUris=callback)
        assert signer.start(client)["userCode"]

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
        assert metadata["authorization_endpoint"] == center.url + "/oauth/authorize"
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert metadata["authorization_response_iss_parameter_supported"] is True
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
