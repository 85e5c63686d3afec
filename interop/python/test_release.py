"""The binary that people get lacks the doors that tests use."""

import json
import pathlib

from conftest import BINARY, configure, log_in


def test_a_release_build_has_no_test_door(center):
    # The stories in crates/cli/tests move this very clock, so a build with the door is known to have it.
    assert b"ALDIS_TEST_CLOCK" not in pathlib.Path(BINARY).read_bytes()
    configure(center)
    log_in(center)
    clock = center.folder / "clock"
    clock.write_text(str(7 * 24 * 3600))
    # A week later this token would be long over, and there would be no identity.
    done = center.aldis(
        "whoami", "--profile", "dev", "--output", "json", environment={"ALDIS_TEST_CLOCK": str(clock)}
    )
    assert json.loads(done.stdout)["Account"] == "111122223333"
