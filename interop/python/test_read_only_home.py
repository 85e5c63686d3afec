"""A container that mounts the host's `~/.aws` read-only never ends the sign-in that boto3 uses on the host."""

import json
import subprocess

import pytest

from conftest import BINARY, PATIENCE, boto3, drop_role_files, shorten, token_file

READ_ONLY = 'mount --bind "$HOME/.aws" "$HOME/.aws"; mount -o remount,bind,ro "$HOME/.aws"; exec "$@"'
KEY = 'print(json.dumps(s.get_credentials().get_frozen_credentials().access_key))'


def contained(center, *words):
    """Runs words in a mount namespace in which the home is read-only, with a state folder of its own."""
    environment = {**center.environment, "XDG_STATE_HOME": str(center.folder / "container-state")}
    words = ["unshare", "-m", "--", "sh", "-ec", READ_ONLY, "sh", *words]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE)


def presented(center):
    """How often a refresh token was presented, and whether that ended a session."""
    records = center.audit()
    grants = [(record.get("requestParameters") or {}).get("grantType") for record in records]
    return grants.count("refresh_token"), "SessionEnded" in json.dumps(records)


def test_the_host_stays_signed_in(signed_in):
    tried = contained(signed_in, "true")
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace can be made here: {tried.stderr}")
    for number in range(1, 3):
        shorten(signed_in, -1)
        drop_role_files(signed_in)
        before = token_file(signed_in).read_text()
        for words in (("creds", "--profile", "dev"), ("exec", "--profile", "dev", "--", "true")):
            done = contained(signed_in, BINARY, *words)
            assert done.returncode == 255, (done.stdout, done.stderr)
            assert "renew on the host, or mount it writable" in done.stderr
        assert presented(signed_in) == (number - 1, False)
        # Beyond the minute in which a center forgives a token that is presented twice.
        signed_in.clock("+2m")
        assert boto3(signed_in, KEY).startswith("ASIA")
        assert token_file(signed_in).read_text() != before, "boto3 renewed it"
        assert presented(signed_in) == (number, False)
        done = contained(signed_in, BINARY, "exec", "--profile", "dev", "--", "true")
        assert done.returncode == 0, done.stderr
