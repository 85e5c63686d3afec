//! Folders of this build.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("a crate lies two folders below its workspace")
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    // As cargo reads it, except that a test runs in the folder of its package.
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), |folder| workspace().join(folder))
}

/// The folder for pictures of pages, made where it is missing. Pictures of an earlier run are written over.
pub fn screens() -> PathBuf {
    let folder = target().join("screens");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// The source of axe-core in the version of `interop/axe/package-lock.json`.
pub(crate) fn axe_core() -> String {
    let places = [target().join("axe"), workspace().join("interop/axe")];
    let found = places
        .iter()
        .find_map(|place| fs::read_to_string(place.join("node_modules/axe-core/axe.min.js")).ok());
    found.unwrap_or_else(|| {
        let place = target().join("axe");
        let place = place.display();
        panic!(
            "axe-core is not on this machine; in the folder of the workspace, type\n\
             mkdir -p {place} && cp interop/axe/package*.json {place}/ && npm ci --prefix {place} --ignore-scripts"
        )
    })
}
