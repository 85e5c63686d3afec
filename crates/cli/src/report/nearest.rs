//! Names that are like one that does not exist.

/// At most three names of `known` that `name` may be a slip of, the likeliest first.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    const SHOWN: usize = 3;
    // Longer ones are no slips, and comparing them takes its time.
    const LONGEST: usize = 256;
    if name.is_empty() || name.len() > LONGEST {
        return Vec::new();
    }
    let lower = name.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = known
        .iter()
        .filter(|known| known.len() <= LONGEST)
        .filter_map(|known| {
            let other = known.to_lowercase();
            let distance = distance(&lower, &other);
            let is_slip = distance <= (lower.chars().count().max(other.chars().count()) / 3).max(1);
            // A name that lost or gained a part, such as dev and dev-ReadOnly.
            let is_part =
                lower.len() > 2 && other.starts_with(&lower) || other.len() > 2 && lower.starts_with(&other);
            (is_slip || is_part).then_some((distance, *known))
        })
        .collect();
    ranked.sort_by_key(|(distance, _)| *distance);
    ranked.into_iter().take(SHOWN).map(|(_, known)| known).collect()
}

/// A name without what scripts and copied lines leave around it: blanks, line ends, quotes, brackets, the word `profile`, and
/// characters that are not seen.
pub(crate) fn without_marks(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !wire::words::is_unprintable(*c)).collect();
    let is_mark = |c: char| c.is_whitespace() || "\"'`[]\u{2018}\u{2019}\u{201c}\u{201d}".contains(c);
    let bare = seen.trim_matches(is_mark);
    let bare = bare.strip_prefix("profile ").or_else(|| bare.strip_prefix("sso-session ")).unwrap_or(bare);
    bare.trim_matches(is_mark).to_owned()
}

/// The number of characters to add, remove, replace or swap with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, &c) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, &d) in other.iter().enumerate() {
            let mut cost =
                (last[column] + usize::from(c != d)).min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && c == other[column - 1] && d == one[row - 1] {
                cost = cost.min(before[column - 1] + 1);
            }
            next.push(cost);
        }
        (before, last) = (last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_are_slips_and_parts_of_a_name() {
        let known = ["prod", "dev-ReadOnly", "dev-Admin", "sandbox", "日本", "a"];
        let table: [(&str, &[&str]); 9] = [
            ("prdo", &["prod"]),
            ("PROD", &["prod"]),
            ("prods", &["prod"]),
            ("dev", &["dev-Admin", "dev-ReadOnly"]),
            ("dev-readonly", &["dev-ReadOnly"]),
            ("sandbox-old", &["sandbox"]),
            ("zzzz", &[]),
            ("日木", &["日本"]),
            ("", &[]),
        ];
        for (name, expected) in table {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }

    #[test]
    fn marks_around_a_name_are_taken_off() {
        for name in [
            "prod\r",
            "prod\r\n",
            "\u{a0}prod",
            "prod\u{200b}",
            "\"prod\"",
            "'prod'",
            "“prod”",
            " prod ",
            "[profile prod]",
            "profile prod",
            "\u{feff}prod",
            "prod",
        ] {
            assert_eq!(without_marks(name), "prod", "{name:?}");
        }
        assert_eq!(without_marks("it's"), "it's");
    }
}
