//! Steps one after the other, each with its heading and time, up to the first that fails.

use std::time::{Duration, Instant};

use crate::trouble::Trouble;

/// How one step ended.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Good(Duration),
    Failed(Duration),
    NotRun,
}

/// Performs the named steps in order, stops at the first that fails, and prints a summary of all of them.
pub(crate) fn in_order(
    titles: &[&str],
    mut perform: impl FnMut(usize) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut endings = Vec::new();
    let mut failure = None;
    for (number, title) in titles.iter().enumerate() {
        if failure.is_some() {
            endings.push(Ending::NotRun);
            continue;
        }
        println!("\n== {} of {}: {title}", number + 1, titles.len());
        let start = Instant::now();
        let outcome = perform(number);
        let taken = start.elapsed();
        println!("-- {title}: {}", words(taken));
        endings.push(if outcome.is_ok() { Ending::Good(taken) } else { Ending::Failed(taken) });
        failure = outcome.err();
    }
    print!("\n{}", summary(titles, &endings));
    failure.map_or(Ok(()), Err)
}

fn summary(titles: &[&str], endings: &[Ending]) -> String {
    let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
    let mut text = String::from("== Summary\n");
    let mut whole = Duration::ZERO;
    for (number, (title, ending)) in titles.iter().zip(endings).enumerate() {
        let (word, taken) = match ending {
            Ending::Good(taken) => ("good", words(*taken)),
            Ending::Failed(taken) => ("FAILED", words(*taken)),
            Ending::NotRun => ("not run", "-".to_owned()),
        };
        if let Ending::Good(taken) | Ending::Failed(taken) = ending {
            whole += *taken;
        }
        text.push_str(&format!("   {}  {title:<width$}  {taken:>12}  {word}\n", number + 1));
    }
    text.push_str(&format!("      {:<width$}  {:>12}\n", "together", words(whole)));
    text
}

/// A time as a person reads it.
fn words(taken: Duration) -> String {
    let minutes = taken.as_secs() / 60;
    let seconds = taken.as_secs_f64() - 60.0 * minutes as f64;
    if minutes == 0 { format!("{seconds:.1} s") } else { format!("{minutes} min {seconds:.0} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_rest() {
        let mut seen = Vec::new();
        let outcome = in_order(&["format", "lints", "walls"], |number| {
            seen.push(number);
            if number == 1 { Err(Trouble::new("no", "mend it")) } else { Ok(()) }
        });
        assert!(outcome.unwrap_err().to_string().contains("mend it"));
        assert_eq!(seen, [0, 1]);
        assert!(in_order(&["format", "lints"], |_| Ok(())).is_ok());
    }

    #[test]
    fn the_summary_tells_each_step() {
        let endings = [
            Ending::Good(Duration::from_millis(1_540)),
            Ending::Failed(Duration::from_secs(75)),
            Ending::NotRun,
        ];
        let text = summary(&["format", "lints", "walls"], &endings);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["1", "format", "1.5", "s", "good"]);
        assert_eq!(lines[2], ["2", "lints", "1", "min", "15", "s", "FAILED"]);
        assert_eq!(lines[3], ["3", "walls", "-", "not", "run"]);
        assert_eq!(lines[4], ["together", "1", "min", "17", "s"]);
    }
}
