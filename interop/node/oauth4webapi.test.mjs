// oauth4webapi, which checks every member of every answer against its RFC, uses the standard face.

import assert from "node:assert/strict";
import test from "node:test";

import { startCenter } from "./center.mjs";
import * as oauth from "oauth4webapi";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const REDIRECT_URI = "http://127.0.0.1:38381/oauth/callback";
const insecure = { [oauth.allowInsecureRequests]: true };

async function discover(center, algorithm = "oauth2") {
  const issuer = new URL(center.url);
  const answer = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
  return oauth.processDiscoveryResponse(issuer, answer);
}

/** A client with both grants, and how it proves itself. */
async function register(server, method) {
  const request = {
    client_name: "oauth4webapi",
    grant_types: [DEVICE, "authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: ["http://127.0.0.1/oauth/callback"],
    token_endpoint_auth_method: method,
  };
  const answer = await oauth.dynamicClientRegistrationRequest(server, request, insecure);
  const client = await oauth.processDynamicClientRegistrationResponse(answer);
  assert.equal(client.token_endpoint_auth_method, method);
  assert.equal("client_secret" in client, method !== "none");
  const proof = {
    none: () => oauth.None(),
    client_secret_post: () => oauth.ClientSecretPost(client.client_secret),
    client_secret_basic: () => oauth.ClientSecretBasic(client.client_secret),
  };
  return [client, proof[method]()];
}

/** A fresh question, and what checks its answer. */
async function question(server, client) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  for (const [name, value] of Object.entries({
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: "sso:account:access",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  })) {
    url.searchParams.set(name, value);
  }
  return { url, state, verifier };
}

async function exchange(server, client, proof, parameters, verifier) {
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    proof,
    parameters,
    REDIRECT_URI,
    verifier,
    insecure,
  );
  return oauth.processAuthorizationCodeResponse(server, client, answer);
}

async function refresh(server, client, proof, token) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, proof, token, insecure);
  return oauth.processRefreshTokenResponse(server, client, answer);
}

async function revoke(server, client, proof, token) {
  const answer = await oauth.revocationRequest(server, client, proof, token, insecure);
  assert.equal(await oauth.processRevocationResponse(answer), undefined);
}

/** Uses a sign-in, refreshes it, and ends it. */
async function useUp(center, server, client, proof, tokens) {
  assert.equal(tokens.token_type, "bearer");
  assert.equal(tokens.scope, "sso:account:access");
  assert.equal((await center.accounts(tokens.access_token)).accountList.length, 3);
  const next = await refresh(server, client, proof, tokens.refresh_token);
  assert.notEqual(next.access_token, tokens.access_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  await revoke(server, client, proof, next.refresh_token);
  assert.equal((await center.accounts(next.access_token)).status, 401);
  await assert.rejects(refresh(server, client, proof, next.refresh_token), { error: "invalid_grant" });
  await revoke(server, client, proof, "nonsense");
}

test("discovery finds the same facts in both places", async (t) => {
  const center = await startCenter(t);
  const server = await discover(center);
  assert.equal(server.issuer, center.url);
  assert.deepEqual(server.code_challenge_methods_supported, ["S256"]);
  assert.deepEqual(await discover(center, "oidc"), server);
});

for (const method of ["none", "client_secret_post", "client_secret_basic"]) {
  test(`device grant, refresh and revocation, ${method}`, async (t) => {
    const center = await startCenter(t);
    const server = await discover(center);
    const [client, proof] = await register(server, method);
    const asked = await oauth.deviceAuthorizationRequest(server, client, proof, {}, insecure);
    const device = await oauth.processDeviceAuthorizationResponse(server, client, asked);
    const poll = async () => {
      const answer = await oauth.deviceCodeGrantRequest(server, client, proof, device.device_code, insecure);
      return oauth.processDeviceCodeResponse(server, client, answer);
    };
    await assert.rejects(poll(), { error: "authorization_pending" });
    await center.approve(device.user_code);
    await useUp(center, server, client, proof, await poll());
  });

  test(`code grant with PKCE, refresh and revocation, ${method}`, async (t) => {
    const center = await startCenter(t);
    const server = await discover(center);
    const [client, proof] = await register(server, method);
    const { url, state, verifier } = await question(server, client);
    const redirect = await center.authorize(url);
    assert.equal(redirect.searchParams.get("iss"), center.url);
    const parameters = oauth.validateAuthResponse(server, client, redirect, state);
    await useUp(center, server, client, proof, await exchange(server, client, proof, parameters, verifier));
    await assert.rejects(exchange(server, client, proof, parameters, verifier), { error: "invalid_grant" });
  });
}

test("with auto-approval the browser comes straight back", async (t) => {
  const center = await startCenter(t, "--auto-approve", "demo");
  const server = await discover(center);
  const [client, proof] = await register(server, "none");
  const { url, state, verifier } = await question(server, client);
  const answer = await fetch(url, { redirect: "manual" });
  assert.equal(answer.status, 303);
  const redirect = new URL(answer.headers.get("location"));
  const parameters = oauth.validateAuthResponse(server, client, redirect, state);
  const tokens = await exchange(server, client, proof, parameters, verifier);
  assert.equal((await center.accounts(tokens.access_token)).status, 200);
});

test("an answer without the right issuer and state is not taken", async (t) => {
  const center = await startCenter(t);
  const server = await discover(center);
  const [client] = await register(server, "none");
  const { url, state } = await question(server, client);
  const redirect = await center.authorize(url);
  assert.throws(() => oauth.validateAuthResponse(server, client, redirect, "another"));
  for (const issuer of ["https://evil.example", `${center.url}/`, undefined]) {
    const changed = new URL(redirect);
    changed.searchParams.delete("iss");
    if (issuer) {
      changed.searchParams.set("iss", issuer);
    }
    assert.throws(() => oauth.validateAuthResponse(server, client, changed, state));
  }
  assert.ok(oauth.validateAuthResponse(server, client, redirect, state));
});

test("a faulty question comes back with an error that names state and issuer", async (t) => {
  const center = await startCenter(t);
  const server = await discover(center);
  const [client] = await register(server, "none");
  const { url, state } = await question(server, client);
  url.searchParams.set("code_challenge_method", "plain");
  const answer = await fetch(url, { redirect: "manual" });
  const redirect = new URL(answer.headers.get("location"));
  assert.throws(() => oauth.validateAuthResponse(server, client, redirect, state), { error: "invalid_request" });
});

test("what is refused is refused in words that the client understands", async (t) => {
  const center = await startCenter(t);
  const server = await discover(center);
  const [client] = await register(server, "client_secret_basic");
  const wrong = oauth.ClientSecretBasic("wrong");
  await assert.rejects(refresh(server, client, wrong, "x"), (error) => {
    assert.equal(error.code, "OAUTH_WWW_AUTHENTICATE_CHALLENGE");
    return true;
  });
  const request = { redirect_uris: ["https://evil.example/"], grant_types: ["authorization_code"] };
  const answer = await oauth.dynamicClientRegistrationRequest(server, request, insecure);
  await assert.rejects(oauth.processDynamicClientRegistrationResponse(answer), { error: "invalid_redirect_uri" });
});
