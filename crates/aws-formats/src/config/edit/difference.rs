//! What changed between two texts, line by line.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

/// Gaps of at most so many pairs of lines are compared pair by pair.
const MOST_PAIRS: usize = 1 << 16;

/// A line that is in one of the texts only. `Debug` does not show it: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Difference {
    /// Of the old text.
    Removed {
        /// In the old text, counted from 1.
        line: usize,
        /// Without its end.
        text: String,
    },
    /// Of the new text.
    Added {
        /// In the new text, counted from 1.
        line: usize,
        /// Without its end.
        text: String,
    },
}

impl fmt::Debug for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { line, .. } => write!(out, "Removed({line})"),
            Self::Added { line, .. } => write!(out, "Added({line})"),
        }
    }
}

/// The lines to take out of `old` and those to put in to get `new`, in order; where lines are replaced, the old ones come
/// first. Ends of lines do not count. Not always the fewest lines, but what a person would say for changes of a few lines each,
/// in time that grows like `n log n`.
pub fn difference(old: &str, new: &str) -> Vec<Difference> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut found = Found { old: &old, new: &new, differences: Vec::new() };
    // Gaps to look at, the topmost last; a stack of our own, as texts may be as odd as they like.
    let mut gaps = vec![Gap { old: 0..old.len(), new: 0..new.len() }];
    while let Some(gap) = gaps.pop() {
        let gap = found.without_common_ends(gap);
        let anchors = found.anchors(&gap);
        if gap.old.is_empty() || gap.new.is_empty() {
            found.replace(&gap);
        } else if !anchors.is_empty() {
            gaps.extend(gap.around(&anchors).into_iter().rev());
        } else if gap.old.len().saturating_mul(gap.new.len()) <= MOST_PAIRS {
            found.pair_by_pair(&gap);
        } else {
            found.replace(&gap);
        }
    }
    found.differences
}

struct Found<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    differences: Vec<Difference>,
}

/// Lines of both texts that are not matched yet.
struct Gap {
    old: Range<usize>,
    new: Range<usize>,
}

impl Gap {
    fn around(&self, anchors: &[(usize, usize)]) -> Vec<Self> {
        let (mut old, mut new) = (self.old.start, self.new.start);
        let mut gaps = Vec::new();
        for &(at_old, at_new) in anchors {
            gaps.push(Self { old: old..at_old, new: new..at_new });
            (old, new) = (at_old + 1, at_new + 1);
        }
        gaps.push(Self { old: old..self.old.end, new: new..self.new.end });
        gaps
    }
}

impl Found<'_> {
    fn without_common_ends(&self, gap: Gap) -> Gap {
        let Gap { mut old, mut new } = gap;
        while !old.is_empty() && !new.is_empty() && self.old[old.start] == self.new[new.start] {
            (old.start, new.start) = (old.start + 1, new.start + 1);
        }
        while !old.is_empty() && !new.is_empty() && self.old[old.end - 1] == self.new[new.end - 1] {
            (old.end, new.end) = (old.end - 1, new.end - 1);
        }
        Gap { old, new }
    }

    /// Lines that stand once in each text, such as headers: as many of them as are in the same order in both.
    fn anchors(&self, gap: &Gap) -> Vec<(usize, usize)> {
        let mut places: HashMap<&str, [(usize, usize); 2]> = HashMap::new();
        for (which, lines, range) in [(0, self.old, gap.old.clone()), (1, self.new, gap.new.clone())] {
            for line in range {
                let seen = &mut places.entry(lines[line]).or_default()[which];
                *seen = (seen.0 + 1, line);
            }
        }
        let mut pairs: Vec<(usize, usize)> = places
            .into_values()
            .filter_map(|[(in_old, old), (in_new, new)]| ((in_old, in_new) == (1, 1)).then_some((old, new)))
            .collect();
        pairs.sort_unstable();
        longest_rising(&pairs)
    }

    fn replace(&mut self, gap: &Gap) {
        for line in gap.old.clone() {
            self.removed(line);
        }
        for line in gap.new.clone() {
            self.added(line);
        }
    }

    /// By the longest common subsequence.
    fn pair_by_pair(&mut self, gap: &Gap) {
        let (olds, news) = (&self.old[gap.old.clone()], &self.new[gap.new.clone()]);
        let width = news.len() + 1;
        let mut common = vec![0_usize; (olds.len() + 1) * width];
        for (o, old) in olds.iter().enumerate().rev() {
            for (n, new) in news.iter().enumerate().rev() {
                common[o * width + n] = if old == new {
                    common[(o + 1) * width + n + 1] + 1
                } else {
                    common[(o + 1) * width + n].max(common[o * width + n + 1])
                };
            }
        }
        let (height, width_used) = (olds.len(), news.len());
        let (mut o, mut n) = (0, 0);
        let mut held = Vec::new();
        while o < height || n < width_used {
            if o < height && n < width_used && self.old[gap.old.start + o] == self.new[gap.new.start + n] {
                held.drain(..).for_each(|line| self.added(line));
                (o, n) = (o + 1, n + 1);
            } else if o < height
                && (n == width_used || common[(o + 1) * width + n] >= common[o * width + n + 1])
            {
                self.removed(gap.old.start + o);
                o += 1;
            } else {
                held.push(gap.new.start + n);
                n += 1;
            }
        }
        held.into_iter().for_each(|line| self.added(line));
    }

    fn removed(&mut self, line: usize) {
        self.differences.push(Difference::Removed { line: line + 1, text: self.old[line].to_owned() });
    }

    fn added(&mut self, line: usize) {
        self.differences.push(Difference::Added { line: line + 1, text: self.new[line].to_owned() });
    }
}

/// The longest part of pairs (sorted by their first) in which the second rises, too.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Of every length, the pair with the smallest second that ends such a part; and for each pair the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![None; pairs.len()];
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < pair.1);
        before[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut rising: Vec<_> =
        std::iter::successors(ends.last().copied(), |&at| before[at]).map(|at| pairs[at]).collect();
    rising.reverse();
    rising
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let shown = difference(old, new).into_iter().map(|difference| match difference {
            Difference::Removed { line, text } => format!("-{line} {text}"),
            Difference::Added { line, text } => format!("+{line} {text}"),
        });
        shown.collect()
    }

    #[test]
    fn says_what_a_person_would_say() {
        let old = "[a]\nregion = x\noutput = json\n\n[b]\nregion = x\n";
        let table: [(&str, &[&str]); 6] = [
            (old, &[]),
            ("[a]\nregion = y\noutput = json\n\n[b]\nregion = x\n", &["-2 region = x", "+2 region = y"]),
            ("[a]\nregion = x\noutput = json\nk = v\n\n[b]\nregion = x\n", &["+4 k = v"]),
            ("[b]\nregion = x\n", &["-1 [a]", "-2 region = x", "-3 output = json", "-4 "]),
            (
                "[a]\nregion = x\noutput = json\n\n[b]\nregion = x\n\n[c]\nregion = x",
                &["+7 ", "+8 [c]", "+9 region = x"],
            ),
            (
                "[a]\nregion = 1\noutput = json\n\n[b]\nregion = 2\n",
                &["-2 region = x", "+2 region = 1", "-6 region = x", "+6 region = 2"],
            ),
        ];
        for (new, expected) in table {
            assert_eq!(shown(old, new), expected, "{new}");
        }
        assert_eq!(shown("", "a\n"), ["+1 a"]);
        assert_eq!(shown("a", "a\r\n"), [""; 0], "ends of lines do not count");
    }

    #[test]
    fn shows_no_text() {
        assert!(!format!("{:?}", difference("hidden", "hidden too")).contains("hidden"));
    }

    proptest! {
        #[test]
        fn leads_from_the_old_text_to_the_new_one(
            old in prop::collection::vec("[a-f]", 0..40), new in prop::collection::vec("[a-h]", 0..40)
        ) {
            let differences = difference(&old.join("\n"), &new.join("\n"));
            let (mut removed, mut added) = (Vec::new(), Vec::new());
            for difference in differences {
                match difference {
                    Difference::Removed { line, text } => { prop_assert_eq!(&old[line - 1], &text); removed.push(line) }
                    Difference::Added { line, text } => { prop_assert_eq!(&new[line - 1], &text); added.push(line) }
                }
            }
            prop_assert!(removed.is_sorted() && added.is_sorted());
            let left = |lines: &[String], out: &[usize]| -> Vec<String> {
                (1..).zip(lines).filter(|(line, _)| !out.contains(line)).map(|(_, text)| text.clone()).collect()
            };
            prop_assert_eq!(left(&old, &removed), left(&new, &added));
        }
    }
}
