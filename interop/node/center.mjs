// A machine and a center of their own for each test: the real binary, a free port, an empty home. (And the one global that
// Node 18 keeps behind a flag, which the clients under test need.)

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, webcrypto } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

globalThis.crypto ??= webcrypto;

const HERE = dirname(fileURLToPath(import.meta.url));
const BINARY = resolve(process.env.ALDIS_BIN ?? join(HERE, "../../target/release/aldis"));
const PATIENCE = 30_000;
const run = promisify(execFile);

/** A center that ends with the test `t`; `flags` are further words of `aldis serve`. */
export async function startCenter(t, ...flags) {
  const folder = await mkdtemp(join(tmpdir(), "aldis-interop-"));
  for (const name of ["home", "run"]) {
    await mkdir(join(folder, name), { mode: 0o700 });
  }
  const environment = {
    HOME: join(folder, "home"),
    XDG_RUNTIME_DIR: join(folder, "run"),
    PATH: "/usr/bin:/bin",
    TZ: "UTC",
  };
  const words = ["serve", "--memory", "--listen", "127.0.0.1:0", "--output", "json", ...flags];
  const process = spawn(BINARY, words, { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((resolve) => process.once("exit", resolve));
  t.after(async () => {
    process.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: process.stdout });
  const ready = await Promise.race([
    new Promise((resolve) => lines.once("line", (line) => resolve(JSON.parse(line)))),
    ended.then((code) => assert.fail(`${BINARY} serve ended with ${code}`)),
  ]);
  return new Center(environment, ready);
}

class Center {
  constructor(environment, ready) {
    this.environment = environment;
    this.url = ready.url;
    this.startUrl = ready.start_url;
    this.awsStartUrl = ready.aws_start_url;
    this.region = ready.region;
    this.endpoints = ready.environment;
  }

  /** What `aldis` with these words prints. */
  async aldis(...words) {
    const { stdout } = await run(BINARY, words, { env: this.environment, timeout: PATIENCE });
    return stdout;
  }

  /** A person at a second terminal approves a user code. */
  async approve(userCode) {
    await this.aldis("center", "device", "approve", userCode, "--person", "demo", "--center", this.url);
  }

  /** The redirect that a browser would get, had a person approved on the page. */
  async authorize(url) {
    const printed = await this.aldis("center", "authorize", String(url), "--person", "demo", "--center", this.url);
    return new URL(printed.trim());
  }

  /** Accounts as the portal lists them for a token, and the status. */
  async accounts(accessToken) {
    const headers = { "x-amz-sso_bearer_token": accessToken };
    const answer = await fetch(`${this.url}/assignment/accounts`, { headers });
    return { status: answer.status, ...(await answer.json()) };
  }

  /** Writes a config with the profile `dev` of the session `dev`, which finds the center by a `services` section. */
  async configure() {
    const services = ["sso_oidc", "sso", "sts"].map((name) => `${name} =\n  endpoint_url = ${this.url}\n`);
    const section = `[services local]\n${services.join("")}\n`;
    await this.#config(this.startUrl, `services = local\n\n${section}`);
  }

  /** The same with the start URL that looks like Amazon's and nothing else: three variables say where the center is. */
  async configureByVariables() {
    Object.assign(this.environment, this.endpoints);
    await this.#config(this.awsStartUrl, "\n");
  }

  async #config(startUrl, more) {
    await mkdir(join(this.environment.HOME, ".aws"), { recursive: true });
    await writeFile(
      join(this.environment.HOME, ".aws/config"),
      "[profile dev]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n" +
        `region = eu-central-1\n${more}` +
        `[sso-session dev]\nsso_start_url = ${startUrl}\nsso_region = ${this.region}\n` +
        "sso_registration_scopes = sso:account:access\n",
    );
  }

  /** What clients asked the center, in order: the events of its audit log, a token's with its grant. */
  async asked() {
    const log = await this.aldis("center", "audit", "--output", "json", "--center", this.url);
    const records = log.trim().split("\n").map((line) => JSON.parse(line));
    return records
      .filter((record) => record.eventSource === "sso.amazonaws.com")
      .map((record) => [record.eventName, record.requestParameters?.grantType].filter(Boolean).join(" "));
  }

  get #tokenFile() {
    return join(this.environment.HOME, ".aws/sso/cache", `${createHash("sha1").update("dev").digest("hex")}.json`);
  }

  /** The token of the session `dev`, as the file has it. */
  async token() {
    return JSON.parse(await readFile(this.#tokenFile, "utf8"));
  }

  /** Makes the stored token look as if it ended in so many minutes. */
  async shorten(minutes) {
    const token = await this.token();
    const end = new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+Z$/, "Z");
    await writeFile(this.#tokenFile, JSON.stringify({ ...token, expiresAt: end }));
    return token;
  }

  /** Removes the role credentials that `aldis` keeps, as the AWS CLI does. */
  async dropRoleFiles() {
    const folder = join(this.environment.HOME, ".aws/cli/cache");
    for (const name of await readdir(folder)) {
      if (name.endsWith(".json")) {
        await rm(join(folder, name));
      }
    }
  }

  /** Runs lines of a JavaScript module in the center's home, in a process of its own, since the SDK looks for the home
   *  once; hands over the JSON that they print. */
  async javascript(program, environment = {}) {
    const env = { ...this.environment, AWS_EC2_METADATA_DISABLED: "true", ...environment };
    const words = ["--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, words, { cwd: HERE, env, timeout: 2 * PATIENCE });
    return JSON.parse(stdout);
  }
}
