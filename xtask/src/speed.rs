//! What a cached credential costs: page faults, which hardly vary and are held; times and memory, which a person reads.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{target, write};
use crate::trouble::{Trouble, read};
use crate::{dist, machine};

/// The program that all others are compared with.
const TRUE: &str = "/bin/true";
/// Debian's AWS CLI.
const AWS: &str = "/usr/bin/aws";
/// GNU time, by its path: `time` alone is a word of the shell.
const TIME: &str = "/usr/bin/time";
/// What the static file may cost in page faults, in those of `/bin/true`.
const MOST_FAULTS: u64 = 2;
/// Runs whose lower quartile is the time.
const RUNS: usize = 200;
/// Runs whose median is the number of page faults.
const COUNTS: usize = 21;

/// A program with its words, and the home that it runs in.
struct Subject {
    name: String,
    line: Vec<String>,
    home: PathBuf,
    runs: usize,
}

/// What a subject costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    /// The lower quartile.
    time: Duration,
    faults: u64,
    /// The most memory that was resident, in KiB.
    memory: u64,
}

/// Holds the page faults of the static file.
pub(crate) fn check(root: &Path) -> Result<(), Trouble> {
    if !dist::IS_MADE_HERE {
        println!("page faults are counted in the static file, which this system does not make");
        return Ok(());
    }
    let aldis = dist::run(root)?;
    let homes = homes(root, &aldis, &[10])?;
    let [empty, creds] = [Subject::empty(&homes[0]), Subject::creds("dist", &aldis, &homes[0])];
    let (empty, creds) = (empty.faults()?, creds.faults()?);
    println!("page faults: {creds} for a cached credential, {empty} for {TRUE}");
    verdict(creds, empty)
}

fn verdict(creds: u64, empty: u64) -> Result<(), Trouble> {
    if creds <= MOST_FAULTS * empty {
        return Ok(());
    }
    Err(Trouble::new(
        format!(
            "a cached credential costs {creds} page faults, more than {MOST_FAULTS} x the {empty} of {TRUE}"
        ),
        "see what is touched before the answer is written: perf trace -F all --no-syscalls target/dist/aldis creds",
    ))
}

/// Prints what a cached credential costs in both builds and in the AWS CLI, in one run.
pub(crate) fn bench(root: &Path) -> Result<(), Trouble> {
    machine::prepare(root)?;
    let dist = dist::run(root)?;
    crate::call::Call::line("cargo build --release -p aldis").run(root)?;
    let plain = target(root).join("release/aldis");
    let homes = homes(root, &dist, &[10, 10_000])?;
    let mut subjects = vec![Subject::empty(&homes[0])];
    for home in &homes {
        subjects.push(Subject::creds("dist", &dist, home));
        subjects.push(Subject::creds("plain", &plain, home));
        subjects.push(Subject::aws(home));
    }
    let costs = measure(&subjects)?;
    print!("{}", table(&subjects, &costs));
    Ok(())
}

/// The costs in the order of the subjects. Their runs take turns, so that a busy moment hits all of them.
fn measure(subjects: &[Subject]) -> Result<Vec<Cost>, Trouble> {
    let mut times: Vec<Vec<Duration>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..RUNS {
        for (subject, times) in subjects.iter().zip(&mut times) {
            if round < subject.runs {
                times.push(subject.time()?);
            }
        }
    }
    let cost = |(subject, times): (&Subject, Vec<Duration>)| {
        let time = at(times, 4).unwrap_or_default();
        Ok(Cost { time, faults: subject.faults()?, memory: subject.memory()? })
    };
    subjects.iter().zip(times).map(cost).collect()
}

/// The value below which one in `part` of them lies.
fn at<T: Ord + Copy>(mut values: Vec<T>, part: usize) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / part).copied()
}

impl Subject {
    fn empty(home: &Path) -> Self {
        Self::new(TRUE.to_owned(), &[TRUE], home)
    }

    fn creds(build: &str, aldis: &Path, home: &Path) -> Self {
        let aldis = aldis.display().to_string();
        Self::new(
            format!("aldis creds, {build}, {}", name(home)),
            &[&aldis, "creds", "--profile", "dev"],
            home,
        )
    }

    fn aws(home: &Path) -> Self {
        let line = [AWS, "configure", "export-credentials", "--profile", "dev"];
        // It takes most of a second.
        Self { runs: 8, ..Self::new(format!("aws export-credentials, {}", name(home)), &line, home) }
    }

    fn new(name: String, line: &[&str], home: &Path) -> Self {
        let line = line.iter().map(|&word| word.to_owned()).collect();
        Self { name, line, home: home.to_owned(), runs: RUNS }
    }

    fn time(&self) -> Result<Duration, Trouble> {
        let mut command = command(&self.line, &self.home);
        command.stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status();
        let taken = start.elapsed();
        match status {
            Ok(status) if status.success() => Ok(taken),
            other => Err(self.failed(&format!("{other:?}"))),
        }
    }

    /// The median number of page faults that needed no disk.
    fn faults(&self) -> Result<u64, Trouble> {
        let mut counts = Vec::new();
        for _ in 0..COUNTS.min(self.runs) {
            let before = self.faults_of_all()?;
            self.time()?;
            counts.push(self.faults_of_all()? - before);
        }
        at(counts, 2).ok_or_else(|| self.failed("it was never run"))
    }

    /// Those of every program that this one has waited for. A program that forks to count, as GNU time does, would add its own.
    fn faults_of_all(&self) -> Result<u64, Trouble> {
        faults_of_children(&read(Path::new("/proc/self/stat"))?)
            .ok_or_else(|| self.failed("/proc/self/stat tells no page faults"))
    }

    /// The most memory that was resident, in KiB.
    fn memory(&self) -> Result<u64, Trouble> {
        let mut line = [TIME, "-f", "%M"].map(str::to_owned).to_vec();
        line.extend(self.line.iter().cloned());
        let output = command(&line, &self.home).output().map_err(|error| {
            Trouble::new(format!("{TIME} could not be started: {error}"), "apt-get install time")
        })?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = words.trim_end().lines().last().filter(|_| output.status.success());
        last.and_then(|memory| memory.parse().ok()).ok_or_else(|| self.failed(&words))
    }

    fn failed(&self, why: &str) -> Trouble {
        let home = self.home.display();
        Trouble::new(
            format!("{} failed: {why}", self.name),
            format!("see what it says: HOME={home} {}", self.line.join(" ")),
        )
    }
}

/// `cminflt` out of `/proc/self/stat` (proc(5)): the ninth field behind the name, which may hold anything.
fn faults_of_children(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(8)?.parse().ok()
}

/// A small environment: what this one holds must not count.
fn command(line: &[String], home: &Path) -> Command {
    let mut command = Command::new(line.first().map_or("", String::as_str));
    command.args(line.iter().skip(1)).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null());
    command
}

/// Homes with so many profiles and a cached credential of the last one, from a center of our own.
fn homes(root: &Path, aldis: &Path, sizes: &[usize]) -> Result<Vec<PathBuf>, Trouble> {
    let center = Center::start(root, aldis)?;
    let make = |&size: &usize| {
        let home = target(root).join("speed").join(format!("{size} profiles"));
        // What an earlier run left is another center's.
        let _ = std::fs::remove_dir_all(&home);
        write(&home.join(".aws/config"), &config(size, &center.start_url))?;
        let login = [&aldis.display().to_string(), "login", "--profile", "dev", "--use-device-code"];
        for subject in
            [Subject::new("aldis login".to_owned(), &login, &home), Subject::creds("", aldis, &home)]
        {
            let output = command(&subject.line, &home).output();
            let output = output.map_err(|error| subject.failed(&error.to_string()))?;
            if !output.status.success() {
                return Err(subject.failed(&String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(home)
    };
    sizes.iter().map(make).collect()
}

/// The profile in question stands last.
fn config(profiles: usize, start_url: &str) -> String {
    let others = (1..profiles).map(|number| profile(&format!("p{number}"), &format!("Role{number}")));
    let sections = others.chain([profile("dev", "ReadOnly")]).collect::<String>();
    format!("{sections}[sso-session dev]\nsso_start_url = {start_url}\nsso_region = us-east-1\n")
}

fn profile(name: &str, role: &str) -> String {
    format!(
        "[profile {name}]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = {role}\n\
         region = us-east-1\n\n"
    )
}

fn name(home: &Path) -> String {
    home.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A center that is killed when dropped.
struct Center {
    process: Child,
    start_url: String,
}

impl Center {
    fn start(root: &Path, aldis: &Path) -> Result<Self, Trouble> {
        let home = target(root).join("speed/center");
        write(&home.join(".aws/config"), "")?;
        let words = "serve --memory --listen 127.0.0.1:0 --auto-approve demo --output json";
        let mut line = vec![aldis.display().to_string()];
        line.extend(words.split(' ').map(str::to_owned));
        let silent = || {
            Trouble::new(
                "the center does not say that it is ready",
                format!("see what it says: {}", line.join(" ")),
            )
        };
        let mut command = command(&line, &home);
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|_| silent())?;
        let mut ready = String::new();
        if let Some(out) = process.stdout.take() {
            // A center that ends instead leaves the line empty.
            let _ = BufReader::new(out).read_line(&mut ready);
        }
        let mut center = Self { process, start_url: String::new() };
        center.start_url = start_url(&ready).ok_or_else(silent)?;
        Ok(center)
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Out of the ready line of `aldis serve --output json`, in which an address has nothing to escape.
fn start_url(ready: &str) -> Option<String> {
    let (_, behind) = ready.split_once(r#""start_url":""#)?;
    behind.split_once('"').map(|(start_url, _)| start_url.to_owned())
}

/// One line for each subject. The first is what all are compared with; an AWS CLI stands behind the builds of its home.
fn table(subjects: &[Subject], costs: &[Cost]) -> String {
    let width = subjects.iter().map(|subject| subject.name.len()).max().unwrap_or_default();
    let empty = costs.first().map_or(Duration::ZERO, |cost| cost.time);
    let mut text = format!(
        "\n{:<width$}  {:>10}  {:>8}  {:>10}  {:>8}  {:>10}\n",
        "lower quartile", "ms", "x true", "aws is x", "faults", "memory KiB"
    );
    for (subject, cost) in subjects.iter().zip(costs) {
        let aws = subjects
            .iter()
            .zip(costs)
            .find(|(other, _)| {
                other.home == subject.home && other.line.first().is_some_and(|word| word == AWS)
            })
            .map_or(Duration::ZERO, |(_, cost)| cost.time);
        text.push_str(&format!(
            "{:<width$}  {:>10.3}  {:>8.2}  {:>10.0}  {:>8}  {:>10}\n",
            subject.name,
            cost.time.as_secs_f64() * 1000.0,
            ratio(cost.time, empty),
            ratio(aws, cost.time),
            cost.faults,
            cost.memory
        ));
    }
    text
}

fn ratio(time: Duration, to: Duration) -> f64 {
    time.as_secs_f64() / to.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_empty_program_is_the_most() {
        assert!(verdict(134, 67).is_ok());
        let trouble = verdict(135, 67).unwrap_err().to_string();
        assert!(trouble.contains("135") && trouble.contains("67"), "{trouble}");
    }

    #[test]
    fn quartile_and_median_are_of_the_sorted_values() {
        assert_eq!(at(vec![4, 1, 3, 2, 8, 7, 6, 5], 4), Some(3));
        assert_eq!(at(vec![9, 1, 5], 2), Some(5));
        assert_eq!(at(Vec::<u64>::new(), 2), None);
    }

    #[test]
    fn faults_are_those_of_the_children() {
        assert_eq!(faults_of_children("1 (a ) b) S 2 3 4 5 6 7 100 200 8 9"), Some(200));
        assert_eq!(faults_of_children("1 (a) S 2"), None);
        let empty = Subject::empty(Path::new("/"));
        assert!(empty.faults().unwrap() > 0);
    }

    #[test]
    fn the_address_is_found_in_the_ready_line() {
        let ready = r#"{"url":"http://127.0.0.1:1","start_url":"http://127.0.0.1:1/start","region":"x"}"#;
        assert_eq!(start_url(ready).as_deref(), Some("http://127.0.0.1:1/start"));
        assert_eq!(start_url(""), None);
    }

    #[test]
    fn each_line_is_compared_with_the_empty_program_and_the_aws_cli_of_its_home() {
        let (ten, many) = (Path::new("/10 profiles"), Path::new("/10000 profiles"));
        let aldis = Path::new("/aldis");
        let subjects = [
            Subject::empty(ten),
            Subject::creds("dist", aldis, ten),
            Subject::aws(ten),
            Subject::creds("dist", aldis, many),
            Subject::aws(many),
        ];
        let cost = |ms| Cost { time: Duration::from_millis(ms), faults: 70, memory: 1000 };
        let text = table(&subjects, &[cost(2), cost(1), cost(800), cost(4), cost(2000)]);
        let ends = |line: usize, wanted: &[&str]| {
            let words: Vec<&str> = text.trim().lines().nth(line).unwrap().split_whitespace().collect();
            assert!(words.ends_with(wanted), "{words:?}");
        };
        ends(2, &["1.000", "0.50", "800", "70", "1000"]);
        ends(4, &["4.000", "2.00", "500", "70", "1000"]);
    }

    #[test]
    fn the_profile_in_question_is_one_of_so_many() {
        let text = config(10, "http://x/start");
        assert_eq!(text.matches("[profile ").count(), 10);
        assert!(text.contains("[profile dev]") && text.ends_with("us-east-1\n"));
    }
}
