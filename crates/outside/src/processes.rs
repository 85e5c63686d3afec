//! Who started this process, by what Linux writes into `/proc`. Elsewhere nobody is known.

use std::fs;
use std::path::Path;

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// The number of the process that started it, or of the one that took it over.
    pub parent: u32,
    /// The number of the user that it acts for.
    pub user: u32,
    /// Its short name: at most 15 bytes, and it may have chosen it itself.
    pub name: String,
    /// The first word of its command line, which it may have changed; empty where it is not to be seen.
    pub program: String,
}

/// More than any real chain; ends one that changes under our feet.
const MOST_ANCESTORS: usize = 64;

/// The number of this process.
pub fn own() -> u32 {
    std::process::id()
}

/// The processes above this one, its parent first. Ends at the first that is not to be seen.
pub fn ancestors() -> Vec<Process> {
    let proc = Path::new("/proc");
    one(proc, own()).map(|own| ancestors_of(proc, &own)).unwrap_or_default()
}

/// The processes above another one, its parent first.
pub fn ancestors_of_process(process: &Process) -> Vec<Process> {
    ancestors_of(Path::new("/proc"), process)
}

/// Every process that can be seen.
pub fn all() -> Vec<Process> {
    all_in(Path::new("/proc"))
}

/// The value of a variable in the environment with which a process was started. Nothing where there is none, or where it may not
/// be seen: that of another user, except by root.
pub fn variable(process: &Process, name: &str) -> Option<String> {
    variable_of(Path::new("/proc"), process, name)
}

fn variable_of(proc: &Path, process: &Process, name: &str) -> Option<String> {
    let environment = fs::read(proc.join(process.id.to_string()).join("environ")).ok()?;
    let begin = format!("{name}=");
    let value =
        environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(begin.as_bytes()))?;
    String::from_utf8(value.to_vec()).ok().filter(|value| !value.is_empty())
}

fn ancestors_of(proc: &Path, process: &Process) -> Vec<Process> {
    let above = std::iter::successors(one(proc, process.parent), |last| one(proc, last.parent));
    above.take(MOST_ANCESTORS).collect()
}

fn all_in(proc: &Path) -> Vec<Process> {
    let numbers = fs::read_dir(proc)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut all: Vec<Process> = numbers.filter_map(|id| one(proc, id)).collect();
    all.sort_by_key(|process| process.id);
    all
}

/// One process; nothing where there is none, or where it may not be seen.
fn one(proc: &Path, id: u32) -> Option<Process> {
    let folder = proc.join(id.to_string());
    // Unlike `stat`, `status` has one value a line, so a name cannot pretend to be another value.
    let status = String::from_utf8_lossy(&fs::read(folder.join("status")).ok()?).into_owned();
    let value = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let command_line = fs::read(folder.join("cmdline")).unwrap_or_default();
    let program = command_line.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Process {
        id,
        parent: value("PPid")?.parse().ok()?,
        // Real, effective, saved and file system user.
        user: value("Uid")?.split_whitespace().nth(1)?.parse().ok()?,
        name: value("Name")?.to_owned(),
        program: String::from_utf8_lossy(program).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(proc: &Path, id: u32, status: &str, command_line: &str) {
        let folder = proc.join(id.to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("status"), status).unwrap();
        fs::write(folder.join("cmdline"), command_line).unwrap();
    }

    #[test]
    fn the_chain_ends_where_nothing_is_to_be_seen_and_a_name_is_no_value() {
        let proc = tempfile::tempdir().unwrap();
        put(proc.path(), 1, "Name:\tinit\nPPid:\t0\nUid:\t0\t0\t0\t0\n", "/sbin/init\0splash\0");
        put(proc.path(), 7, "Name:\tsshd\nPPid:\t1\nUid:\t0\t0\t0\t0\n", "sshd: a [priv]\0");
        put(proc.path(), 9, "Name:\tsu) PPid: 1\nPPid:\t7\nUid:\t5\t0\t0\t0\n", "");
        fs::create_dir(proc.path().join("11")).unwrap();
        let last = one(proc.path(), 9).unwrap();
        assert_eq!((last.parent, last.user, last.program.as_str()), (7, 0, ""));
        let above: Vec<_> =
            ancestors_of(proc.path(), &last).into_iter().map(|p| (p.name, p.program)).collect();
        let expected = [("sshd", "sshd: a [priv]"), ("init", "/sbin/init")]
            .map(|(name, program)| (name.to_owned(), program.to_owned()));
        assert_eq!(above, expected);
        assert_eq!(all_in(proc.path()).iter().map(|process| process.id).collect::<Vec<_>>(), [1, 7, 9]);
        assert_eq!(all_in(&proc.path().join("none")), []);
    }

    #[test]
    fn a_variable_of_another_process_is_one_whole_entry() {
        let proc = tempfile::tempdir().unwrap();
        put(proc.path(), 7, "Name:\tbash\nPPid:\t1\nUid:\t0\t0\t0\t0\n", "");
        let process = one(proc.path(), 7).unwrap();
        let variable = |name: &str| variable_of(proc.path(), &process, name);
        assert_eq!(variable("TERM"), None, "nothing to be seen");
        fs::write(proc.path().join("7/environ"), "XTERM=no\0TERM=a b=c\0EMPTY=\0").unwrap();
        assert_eq!(variable("TERM").as_deref(), Some("a b=c"));
        assert_eq!((variable("EMPTY"), variable("ERM")), (None, None));
    }

    #[test]
    fn a_chain_in_a_circle_ends() {
        let proc = tempfile::tempdir().unwrap();
        put(proc.path(), 2, "Name:\ta\nPPid:\t3\nUid:\t0\t0\t0\t0\n", "");
        put(proc.path(), 3, "Name:\tb\nPPid:\t2\nUid:\t0\t0\t0\t0\n", "");
        assert_eq!(ancestors_of(proc.path(), &one(proc.path(), 2).unwrap()).len(), MOST_ANCESTORS);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_started_this_test_is_seen() {
        let parent = std::os::unix::process::parent_id();
        assert_eq!(ancestors().first().map(|process| process.id), Some(parent));
    }
}
