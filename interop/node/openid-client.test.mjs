// openid-client uses the standard face: its own discovery, registration and polling.

import assert from "node:assert/strict";
import test from "node:test";

import { startCenter } from "./center.mjs";
import * as client from "openid-client";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const REDIRECT_URI = "http://127.0.0.1:38382/oauth/callback";
const SCOPE = "sso:account:access";
const execute = [client.allowInsecureRequests];

const PROOFS = {
  none: () => client.None(),
  client_secret_post: (secret) => client.ClientSecretPost(secret),
  client_secret_basic: (secret) => client.ClientSecretBasic(secret),
};

/** Registers a client with both grants by what discovery finds. */
async function register(center, method, algorithm = "oauth2") {
  const metadata = {
    client_name: "openid-client",
    grant_types: [DEVICE, "authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: ["http://127.0.0.1/oauth/callback"],
    token_endpoint_auth_method: method,
  };
  const server = new URL(center.url);
  const registered = await client.dynamicClientRegistration(server, metadata, undefined, { algorithm, execute });
  assert.equal(registered.serverMetadata().issuer, center.url);
  const { client_id, client_secret } = registered.clientMetadata();
  const known = { client_id, client_secret, token_endpoint_auth_method: method };
  return client.discovery(server, client_id, known, PROOFS[method](client_secret), { algorithm, execute });
}

async function question(config) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  });
  return { url, checks: { pkceCodeVerifier: verifier, expectedState: state } };
}

async function useUp(center, config, tokens) {
  assert.equal(tokens.scope, SCOPE);
  assert.ok(tokens.expiresIn() > 3500);
  assert.equal((await center.accounts(tokens.access_token)).status, 200);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  await client.tokenRevocation(config, next.access_token, { token_type_hint: "access_token" });
  assert.equal((await center.accounts(next.access_token)).status, 401);
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: "invalid_grant" });
  await client.tokenRevocation(config, "nonsense");
}

for (const method of Object.keys(PROOFS)) {
  test(`device grant, refresh and revocation, ${method}`, async (t) => {
    const center = await startCenter(t);
    const config = await register(center, method);
    const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
    const polling = client.pollDeviceAuthorizationGrant(config, device);
    await center.approve(device.user_code);
    await useUp(center, config, await polling);
  });

  test(`code grant with PKCE, refresh and revocation, ${method}`, async (t) => {
    const center = await startCenter(t);
    const config = await register(center, method);
    const { url, checks } = await question(config);
    const redirect = await center.authorize(url);
    await useUp(center, config, await client.authorizationCodeGrant(config, redirect, checks));
  });
}

test("a client that knows only the place of OpenID Connect signs in as well", async (t) => {
  const center = await startCenter(t, "--auto-approve", "demo");
  const config = await register(center, "none", "oidc");
  const { url, checks } = await question(config);
  const answer = await fetch(url, { redirect: "manual" });
  const redirect = new URL(answer.headers.get("location"));
  const tokens = await client.authorizationCodeGrant(config, redirect, checks);
  assert.equal(tokens.id_token, undefined);
  await useUp(center, config, tokens);
});

test("an answer of another issuer is not taken", async (t) => {
  const center = await startCenter(t);
  const config = await register(center, "none");
  const { url, checks } = await question(config);
  const redirect = await center.authorize(url);
  const changed = new URL(redirect);
  changed.searchParams.set("iss", "https://evil.example");
  await assert.rejects(client.authorizationCodeGrant(config, changed, checks));
  assert.ok((await client.authorizationCodeGrant(config, redirect, checks)).access_token);
});

test("a person who denies is heard", async (t) => {
  const center = await startCenter(t);
  const config = await register(center, "none");
  const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const polling = client.pollDeviceAuthorizationGrant(config, device);
  const denied = assert.rejects(polling, { error: "access_denied" });
  await center.aldis("center", "device", "deny", device.user_code, "--person", "demo");
  await denied;
});
