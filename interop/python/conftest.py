"""A machine and a center of their own for each test: the real binary, a free port, an empty home."""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import threading

import botocore.config
import botocore.session
import pytest
from botocore import UNSIGNED

BINARY = os.path.abspath(
    os.environ.get("ALDIS_BIN") or os.path.join(os.path.dirname(__file__), "../../target/release/aldis")
)
PATIENCE = 30


class Center:
    """`aldis serve --memory` on a free port, its clock movable."""

    def __init__(self, folder, *flags, wrap=None, preexec=None):
        self.folder = folder
        (folder / "run").mkdir(exist_ok=True)
        os.chmod(folder / "run", 0o700)
        (folder / "home").mkdir(exist_ok=True)
        self.environment = {
            "HOME": str(folder / "home"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PATH": "/usr/bin:/bin",
        }
        flags = flags or ("--memory", "--test-clock")
        words = [BINARY, "serve", "--listen", "127.0.0.1:0", "--output", "json", *flags]
        self.process = subprocess.Popen(
            words, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=preexec
        )
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=PATIENCE)
        self.ready = json.loads(line)
        # Nobody reads on, and a full pipe would stop the center.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.url = self.ready["url"]
        self.start_url = self.ready["start_url"]
        self.aws_start_url = self.ready["aws_start_url"]

    def aldis(self, *words, check=True, **more):
        environment = {**self.environment, **more.pop("environment", {})}
        done = subprocess.run(
            [BINARY, *words], env=environment, capture_output=True, text=True, timeout=PATIENCE, **more
        )
        if check:
            assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    def decide(self, decision, user_code):
        return self.aldis("center", "device", decision, user_code, "--person", "demo", "--center", self.url)

    def clock(self, step):
        self.aldis("center", "clock", step, "--center", self.url)

    def audit(self):
        done = self.aldis("center", "audit", "--output", "json", "--center", self.url)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def client(self, service, **keys):
        """A raw botocore client without retries; unsigned unless keys are given."""
        config = {"retries": {"max_attempts": 0}}
        if not keys:
            config["signature_version"] = UNSIGNED
        session = botocore.session.Session()
        session.set_config_variable("config_file", "/dev/null")
        return session.create_client(
            service,
            region_name=self.ready["region"],
            endpoint_url=self.url,
            config=botocore.config.Config(**config),
            **keys,
        )

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture
def center(tmp_path):
    center = Center(tmp_path)
    yield center
    center.stop()


CONFIG = """\
[profile dev]
sso_session = dev
sso_account_id = 111122223333
sso_role_name = ReadOnly
region = eu-central-1
services = aldis-local

[sso-session dev]
sso_start_url = {start_url}
sso_region = {region}
sso_registration_scopes = sso:account:access

[services aldis-local]
sso_oidc =
  endpoint_url = {front}
sso =
  endpoint_url = {front}
sts =
  endpoint_url = {url}
"""


def configure(center, start_url=None, front=None):
    """Writes the config of the profile `dev`; with `front`, sign-in and portal are reached there, STS at the center."""
    folder = center.folder / "home" / ".aws"
    folder.mkdir(exist_ok=True)
    text = CONFIG.format(
        start_url=start_url or center.start_url,
        region=center.ready["region"],
        front=front or center.url,
        url=center.url,
    )
    (folder / "config").write_text(text)


def log_in(center, *words):
    """Runs `aldis login` and approves the code that it shows, as a person at a second terminal would."""
    words = words or ("login", "--use-device-code", "--sso-session", "dev")
    process = subprocess.Popen(
        [BINARY, *words, "--no-browser"],
        env=center.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        code = re.search(r"\b[B-Z]{4}-[B-Z]{4}\b", line)
        if code:
            center.decide("approve", code.group())
            break
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors


@pytest.fixture
def signed_in(center):
    configure(center)
    log_in(center)
    return center


TOKEN = ".aws/sso/cache/" + hashlib.sha1(b"dev").hexdigest() + ".json"


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


def drop_role_files(center):
    """Removes the role credentials that `aldis` keeps, as the AWS CLI does."""
    for path in (center.folder / "home/.aws/cli/cache").glob("*.json"):
        path.unlink()


def sdk_environment(center):
    return {**center.environment, "AWS_EC2_METADATA_DISABLED": "true"}


def boto3(center, program, profile="dev"):
    """Runs Python lines with a session `s` in the center's home. A process of its own, since botocore looks for the home
    when it is imported."""
    program = f"import boto3, json\ns = boto3.Session(profile_name={profile!r})\n{program}"
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, env=sdk_environment(center), capture_output=True, text=True, timeout=2 * PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


IDENTITY = """
identity = s.client("sts").get_caller_identity()
print(json.dumps({name: identity[name] for name in ("Account", "Arn", "UserId")}))
"""
