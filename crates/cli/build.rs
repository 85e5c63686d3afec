//! Hands the layout of `cached.ld` to the linker, for release builds on Linux with glibc. A linker that somebody chose may not
//! read linker scripts (mold does not), and does without.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "so cargo speaks with a build script")]

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=cached.ld");
    let is = |name: &str, wanted: &str| var(name).is_ok_and(|value| value == wanted);
    let has_chosen = var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("-fuse-ld="));
    if !has_chosen
        && is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        for word in ["-T", &format!("{}/cached.ld", var("CARGO_MANIFEST_DIR").unwrap_or_default())] {
            println!("cargo::rustc-link-arg-bins={word}");
        }
    }
}
