// The AWS SDK for JavaScript v3 uses what `aldis login` stored, and `aldis` what the SDK stored.

import assert from "node:assert/strict";
import test from "node:test";

import { startCenter } from "./center.mjs";

const DEV = { AWS_PROFILE: "dev" };

const IDENTITY = `
import { fromSSO } from "@aws-sdk/credential-providers";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
const sts = new STSClient({ region: "eu-central-1", credentials: fromSSO() });
const { Account, Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
console.log(JSON.stringify({ Account, Arn, UserId }));
`;

async function signedIn(t, configure = "configure") {
  const center = await startCenter(t, "--auto-approve", "demo");
  await center[configure]();
  await center.aldis("login", "--profile", "dev", "--use-device-code", "--no-browser");
  return center;
}

test("credentials and identity by a profile with a services section", async (t) => {
  const center = await signedIn(t);
  const identity = await center.javascript(IDENTITY, DEV);
  assert.equal(identity.Account, "111122223333");
  assert.match(identity.Arn, /:assumed-role\/AWSReservedSSO_ReadOnly_[0-9a-f]{16}\/demo$/);
  const ours = JSON.parse(await center.aldis("whoami", "--profile", "dev", "--output", "json"));
  assert.equal(ours.Arn, identity.Arn);
});

test("the same by three variables and the start URL that looks like Amazon's", async (t) => {
  const center = await signedIn(t, "configureByVariables");
  assert.equal((await center.javascript(IDENTITY, DEV)).Account, "111122223333");
});

test("the default chain finds the profile", async (t) => {
  const center = await signedIn(t);
  const chain = IDENTITY.replace("{ fromSSO }", "{ fromNodeProviderChain }").replace(
    "fromSSO()",
    "fromNodeProviderChain()",
  );
  assert.equal((await center.javascript(chain, DEV)).Account, "111122223333");
});

test("listing accounts and roles page by page", async (t) => {
  const center = await signedIn(t);
  const { accessToken } = await center.token();
  const listed = await center.javascript(
    `
import { paginateListAccountRoles, paginateListAccounts, SSOClient } from "@aws-sdk/client-sso";
const client = new SSOClient({ region: "${center.region}" });
const accessToken = ${JSON.stringify(accessToken)};
const accounts = [], roles = [];
for await (const page of paginateListAccounts({ client, pageSize: 2 }, { accessToken })) {
  accounts.push(...page.accountList.map((account) => account.accountId));
}
for await (const page of paginateListAccountRoles({ client, pageSize: 2 }, { accessToken, accountId: accounts[0] })) {
  roles.push(...page.roleList.map((role) => role.roleName));
}
console.log(JSON.stringify({ accounts, roles }));
`,
    DEV,
  );
  assert.deepEqual(listed.accounts, ["111122223333", "222233334444", "333344445555"]);
  assert.deepEqual(listed.roles, ["AdministratorAccess", "Developer", "ReadOnly"]);
});

test("the SDK refreshes a token that is about to end, and aldis goes on with what it wrote", async (t) => {
  const center = await signedIn(t);
  const first = await center.shorten(4);
  assert.equal((await center.javascript(IDENTITY, DEV)).Account, "111122223333");
  const second = await center.token();
  assert.notEqual(second.accessToken, first.accessToken);
  assert.notEqual(second.refreshToken, first.refreshToken);
  const whoami = ["whoami", "--profile", "dev", "--output", "json"];
  assert.equal(JSON.parse(await center.aldis(...whoami)).Account, "111122223333");

  await center.shorten(4);
  await center.aldis("accounts", "--sso-session", "dev");
  const third = await center.token();
  assert.notEqual(third.accessToken, second.accessToken);
  assert.equal((await center.javascript(IDENTITY, DEV)).Account, "111122223333");
});

const REFRESH = "CreateToken refresh_token";

test("the SDK asks only for what a home of aldis does not hold", async (t) => {
  const center = await signedIn(t);
  await center.aldis("creds", "--profile", "dev");
  const known = (await center.asked()).length;
  await center.javascript(IDENTITY, DEV);
  await center.shorten(1);
  await center.javascript(IDENTITY, DEV);
  await center.javascript(IDENTITY, DEV);
  // Role credentials are the one thing that the SDK does not share.
  const roles = "GetRoleCredentials";
  assert.deepEqual((await center.asked()).slice(known), [roles, REFRESH, roles, roles]);
});

test("aldis asks only for what a home of the SDK does not hold", async (t) => {
  const center = await signedIn(t);
  await center.shorten(1);
  await center.javascript(IDENTITY, DEV);
  const known = (await center.asked()).length;
  await center.aldis("creds", "--profile", "dev");
  await center.aldis("creds", "--profile", "dev");
  await center.shorten(1);
  await center.dropRoleFiles();
  await center.aldis("creds", "--profile", "dev");
  const roles = "GetRoleCredentials";
  assert.deepEqual((await center.asked()).slice(known), [roles, REFRESH, roles]);
});

test("an SDK that signs in by itself is heard, and refused in its own words", async (t) => {
  const center = await startCenter(t, "--auto-approve", "demo");
  await center.configure();
  const said = await center.javascript(
    `
import { CreateTokenCommand, RegisterClientCommand, SSOOIDCClient, StartDeviceAuthorizationCommand } from "@aws-sdk/client-sso-oidc";
const oidc = new SSOOIDCClient({ region: "${center.region}" });
const grantType = "urn:ietf:params:oauth:grant-type:device_code";
const { clientId, clientSecret } = await oidc.send(
  new RegisterClientCommand({ clientName: "sdk", clientType: "public", scopes: ["sso:account:access"] }));
const { deviceCode } = await oidc.send(
  new StartDeviceAuthorizationCommand({ clientId, clientSecret, startUrl: "${center.startUrl}" }));
const create = () => oidc.send(new CreateTokenCommand({ clientId, clientSecret, grantType, deviceCode }));
const { accessToken, expiresIn } = await create();
const error = await create().catch((error) => error);
console.log(JSON.stringify({ accessToken, expiresIn, name: error.name, code: error.error }));
`,
    DEV,
  );
  assert.equal((await center.accounts(said.accessToken)).status, 200);
  assert.deepEqual([said.expiresIn, said.name, said.code], [3600, "InvalidGrantException", "invalid_grant"]);
});
