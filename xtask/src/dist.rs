//! `cargo xtask dist`: the file that people install. It is static, so it starts without a dynamic linker and runs on every Linux
//! of its architecture. As in every release build, what a cached credential runs lies side by side (`crates/cli/cached.ld`).
//!
//! It is not position-independent. A static program relocates itself: 8,500 addresses on 34 pages, each a page fault and a
//! copy, a tenth of the time of a cached credential. Programs in Go are linked so, too. Stack, heap and mappings keep their
//! random places; the program's own text and tables lie where they lie, and the tables stay read-only (RELRO).

use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::machine::target;
use crate::trouble::Trouble;

/// Whether this system makes it: Linux with glibc.
pub(crate) const IS_MADE_HERE: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// Linked to a fixed address.
const FIXED: &str = "relocation-model=static";
/// At the start of every program Rust's library asks glibc where the stack ends, and glibc reads all of `/proc/self/maps` to say
/// so: a twelfth of what a cached credential costs. It wants to know only so that it can put words to a stack overflow; told
/// that nobody knows (any number but 0), it goes on without. The kernel's gap below the stack ends such a program all the same.
const NO_STACK_SEARCH: &str = "link-arg=-Wl,--defsym=pthread_getattr_np=getpagesize";

/// Builds it and checks that it is static; hands over where it lies.
pub(crate) fn run(root: &Path) -> Result<PathBuf, Trouble> {
    let host = host(&Call::line("rustc -vV").answer(root).unwrap_or_default())?;
    build(&host).run(root)?;
    let built = target(root).join(&host).join("release/aldis");
    let bytes = std::fs::read(&built).map_err(|error| trouble(&built, &error))?;
    if !is_static(&bytes) {
        return Err(Trouble::new(
            format!("{} asks for a dynamic linker", built.display()),
            "see that the C library's static form is installed: apt-get install libc6-dev",
        ));
    }
    let place = target(root).join("dist/aldis");
    replace(&built, &place).map_err(|error| trouble(&place, &error))?;
    println!("{} ({} KiB, static)", place.display(), bytes.len() / 1024);
    Ok(place)
}

/// Builds what people use on this system and hands over where it lies: the static file, elsewhere the plain release build.
pub(crate) fn for_people(root: &Path) -> Result<PathBuf, Trouble> {
    if IS_MADE_HERE {
        return run(root);
    }
    Call::line("cargo build --release -p aldis").run(root)?;
    Ok(target(root).join("release").join(format!("aldis{}", std::env::consts::EXE_SUFFIX)))
}

/// The build. With `--target`, the flags do not reach build scripts and macros, which cannot be static, and the plain release
/// build beside it stays as it is.
///
/// SHA-1 is for names of files here; asking the processor what it can do takes a virtual machine longer than hashing them.
fn build(host: &str) -> Call {
    let words = ["rustc", "--release", "-p", "aldis", "--bin", "aldis", "--target", host, "--"];
    let words = [&words[..], &["-C", FIXED, "-C", NO_STACK_SEARCH]].concat();
    Call::new("cargo", &words).with("RUSTFLAGS", "-C target-feature=+crt-static --cfg sha1_backend=\"soft\"")
}

/// The target of this machine, out of what `rustc -vV` says.
fn host(version: &str) -> Result<String, Trouble> {
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    if host.ends_with("-linux-gnu") {
        return Ok(host.to_owned());
    }
    Err(Trouble::new(
        format!("the distribution build is made on Linux with glibc, not on {host:?}"),
        "build for this machine alone: cargo build --release -p aldis",
    ))
}

/// Whether a program of 64 bits, least byte first, asks for no dynamic linker: it has no header of the type `PT_INTERP`
/// (System V ABI, "Program Header").
fn is_static(elf: &[u8]) -> bool {
    let number = |place: usize, length: usize| -> Option<usize> {
        let bytes = elf.get(place..place.checked_add(length)?)?;
        bytes
            .iter()
            .rev()
            .try_fold(0_usize, |number, &byte| number.checked_mul(256)?.checked_add(byte.into()))
    };
    let has_linker = || -> Option<bool> {
        let (first, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let mut types = (0..count).map(|place| number(first.checked_add(place * size)?, 4));
        // A header that cannot be read is not a program that is known to be static.
        Some(types.any(|kind| kind.is_none_or(|kind| kind == 3)))
    };
    elf.starts_with(b"\x7fELF\x02\x01") && has_linker() == Some(false)
}

/// A copy in one step: whoever runs the old file keeps it.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    let beside = to.with_extension("new");
    std::fs::create_dir_all(to.parent().unwrap_or(to))?;
    std::fs::copy(from, &beside)?;
    std::fs::rename(&beside, to)
}

fn trouble(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(
        format!("{}: {error}", path.display()),
        "see that the disk is not full, then: cargo xtask dist",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_systems_are_told_what_they_can_build() {
        assert_eq!(host("rustc 1\nhost: x86_64-unknown-linux-gnu\n").unwrap(), "x86_64-unknown-linux-gnu");
        let trouble = host("rustc 1\nhost: aarch64-apple-darwin\n").unwrap_err().to_string();
        assert!(trouble.contains("apple") && trouble.contains("cargo build --release"), "{trouble}");
    }

    #[test]
    fn what_asks_for_a_linker_or_cannot_be_read_is_not_static() {
        let mut elf = vec![0; 64 + 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[32], elf[54], elf[56], elf[64]) = (64, 56, 1, 1);
        assert!(is_static(&elf));
        elf[64] = 3;
        assert!(!is_static(&elf));
        (elf[64], elf[56]) = (1, 2);
        assert!(!is_static(&elf), "the second header is missing");
        assert!(!is_static(b"#!/bin/sh\n") && !is_static(b""));
        assert!(!is_static(&std::fs::read("/proc/self/exe").unwrap()), "this test itself is dynamic");
    }

    #[test]
    fn the_flags_are_for_the_static_build_alone() {
        let shown = build("x-linux-gnu").shown();
        assert!(shown.starts_with("RUSTFLAGS='-C target-feature=+crt-static"), "{shown}");
        let rest = format!("--target x-linux-gnu -- -C {FIXED} -C {NO_STACK_SEARCH}");
        assert!(shown.ends_with(&format!(" cargo rustc --release -p aldis --bin aldis {rest}")), "{shown}");
    }
}
