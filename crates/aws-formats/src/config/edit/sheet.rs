//! A config text taken apart so far that a change finds its lines at once: blocks (a header and what stands below it) of
//! entries (a property and the lines that follow it).

use std::borrow::Cow;
use std::collections::HashMap;

use super::{EditError, SectionName};
use crate::config::document::{Fault, Piece, Pieces, key_end, without_comment};

const MARK: char = '\u{feff}';
/// As deep as the AWS CLI writes what it nests.
const STEP: &str = "    ";

/// The whole text.
pub(super) struct Sheet<'a> {
    /// The byte order mark, or nothing.
    mark: &'a str,
    /// In order; the first holds what stands above all headers.
    blocks: Vec<Block<'a>>,
    sections: HashMap<SectionName, Known>,
    /// The end of the text's first line, for lines that have no neighbour to learn from.
    line_end: &'a str,
}

/// A section that is there.
#[derive(Default)]
struct Known {
    /// Every block of it.
    blocks: Vec<usize>,
    /// Those that are read: of `[default]` and `[profile default]` the later one.
    read: Vec<usize>,
    /// Where each key stands: block and entry. Made when somebody asks.
    keys: Option<HashMap<String, Vec<(usize, usize)>>>,
}

#[derive(Default)]
struct Block<'a> {
    says_profile: bool,
    /// A block above this one, below which none has rows.
    above: usize,
    /// The first holds the header.
    entries: Vec<Entry<'a>>,
}

#[derive(Default)]
struct Entry<'a> {
    /// In lower case; empty for the header and for what is left of a removed property.
    key: String,
    /// The header or property first, if any.
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    text: Cow<'a, str>,
    /// Empty for a new line, and for the last one of a text that does not end its last line.
    end: &'a str,
    is_new: bool,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Blank,
    Comment,
    Header,
    Property,
    SubProperty,
    Continuation,
}

impl<'a> Sheet<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Fault> {
        let mark = if text.starts_with(MARK) { &text[..MARK.len_utf8()] } else { "" };
        let mut blocks = vec![Block::default()];
        let mut sections: HashMap<SectionName, Known> = HashMap::new();
        let mut line_end = "";
        for (line, (raw, piece)) in (1..).zip(Pieces::of_file(text)) {
            let raw = if line == 1 { &raw[mark.len()..] } else { raw };
            if raw.is_empty() {
                continue;
            }
            let bare = raw.strip_suffix('\n').map_or(raw, |bare| bare.strip_suffix('\r').unwrap_or(bare));
            let end = &raw[bare.len()..];
            if line_end.is_empty() {
                line_end = end;
            }
            let role = match piece {
                Piece::Fault(what) => return Err(Fault { line, what }),
                Piece::Header(words) => {
                    let (name, says_profile) = SectionName::of_header(words).unzip();
                    if let Some(name) = name {
                        sections.entry(name).or_default().blocks.push(blocks.len());
                    }
                    let above = blocks.len() - 1;
                    let says_profile = says_profile == Some(true);
                    blocks.push(Block { says_profile, above, entries: Vec::new() });
                    Role::Header
                }
                Piece::Property { key, .. } => {
                    if let Some(block) = blocks.last_mut() {
                        block.entries.push(Entry { key: key.to_ascii_lowercase(), rows: Vec::new() });
                    }
                    Role::Property
                }
                Piece::SubProperty { .. } => Role::SubProperty,
                Piece::Continuation(_) => Role::Continuation,
                Piece::Blank => Role::Blank,
                Piece::Comment => Role::Comment,
            };
            if let Some(block) = blocks.last_mut() {
                block.push(Row { text: Cow::Borrowed(bare), end, is_new: false, role });
            }
        }
        for (name, known) in &mut sections {
            let is_default = matches!(name, SectionName::Profile(name) if name == "default");
            let form = known.blocks.last().map(|&block| blocks[block].says_profile);
            let is_read = |block: &usize| !is_default || Some(blocks[*block].says_profile) == form;
            known.read = known.blocks.iter().copied().filter(is_read).collect();
        }
        Ok(Self { mark, blocks, sections, line_end })
    }

    pub(super) fn set(&mut self, section: &SectionName, key: &str, value: &str) -> Result<(), EditError> {
        let place = match self.find(section, key) {
            Some(place) => place,
            None => self.add_key(section, key)?,
        };
        let rows = &mut self.entry(place).rows;
        rows.retain(|row| !row.is_below());
        if let Some(row) = rows.first_mut() {
            row.set_value(value);
        }
        Ok(())
    }

    pub(super) fn set_nested(
        &mut self,
        section: &SectionName,
        key: &str,
        below: &str,
        value: &str,
    ) -> Result<(), EditError> {
        let place = match self.find(section, key) {
            Some(place) => place,
            None => self.add_key(section, key)?,
        };
        let rows = &mut self.entry(place).rows;
        let opener = rows.first().map(|row| row.text.clone()).unwrap_or_default();
        if !Parts::of(&opener, Role::Property).value.is_empty() {
            let (section, key, below) = (section.clone(), key.to_owned(), below.to_owned());
            return Err(EditError::HasValue { section, key, below });
        }
        if let Some(row) = rows.iter_mut().rev().find(|row| row.is_sub_property(below)) {
            row.set_value(value);
            return Ok(());
        }
        let last = rows.iter().rposition(Row::is_below);
        let indent = match last {
            Some(last) => indent_of(&rows[last].text).to_owned(),
            None => format!("{}{STEP}", indent_of(&opener)),
        };
        let mut row = Row::new(format!("{indent}{below} ="), Role::SubProperty);
        row.set_value(value);
        rows.insert(last.unwrap_or(0) + 1, row);
        Ok(())
    }

    pub(super) fn remove(&mut self, section: &SectionName, key: &str) {
        let Some(places) = self.keys(section).and_then(|keys| keys.remove(key)) else { return };
        for place in places {
            let entry = self.entry(place);
            entry.key.clear();
            entry.rows.retain(|row| !row.says_something());
        }
    }

    pub(super) fn add_section(&mut self, section: &SectionName) -> Result<(), EditError> {
        if self.sections.contains_key(section) {
            return Ok(());
        }
        let header = Row::new(section.header()?, Role::Header);
        if let Some(above) = self.last_rows(self.blocks.len()) {
            above.push(Row::new(String::new(), Role::Blank));
        }
        let place = vec![self.blocks.len()];
        let known = Known { blocks: place.clone(), read: place, keys: None };
        self.sections.insert(section.clone(), known);
        let entries = vec![Entry { key: String::new(), rows: vec![header] }];
        self.blocks.push(Block { says_profile: true, above: self.blocks.len() - 1, entries });
        Ok(())
    }

    pub(super) fn remove_section(&mut self, section: &SectionName) {
        let Some(known) = self.sections.remove(section) else { return };
        for place in known.blocks {
            let mut rows: Vec<Row<'a>> = std::mem::take(&mut self.blocks[place].entries)
                .into_iter()
                .flat_map(|entry| entry.rows)
                .collect();
            let end = rows.iter().rposition(Row::says_something).map_or(0, |last| last + 1);
            let mut left = rows.split_off(end);
            let comments = left.iter().take_while(|row| row.role == Role::Comment).count();
            // Comments right above the next header are about that one.
            if comments > 0 && (comments < left.len() || self.next_header(place).is_none()) {
                left.drain(..comments);
            }
            let begins_blank = left.first().is_none_or(|row| row.role == Role::Blank);
            match self.last_rows(place) {
                Some(above) => {
                    above.pop_if(|row| begins_blank && row.role == Role::Blank);
                }
                None if begins_blank && !left.is_empty() => {
                    left.remove(0);
                }
                None => {}
            }
            self.blocks[place].entries.push(Entry { key: String::new(), rows: left });
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::from(self.mark);
        let mut end = if self.line_end.is_empty() { "\n" } else { self.line_end };
        let mut is_ended = true;
        for row in self.rows() {
            if !row.end.is_empty() {
                end = row.end;
            }
            text.push_str(&row.text);
            text.push_str(end);
            is_ended = row.is_new || !row.end.is_empty();
        }
        // Only a last line that was there before may be without an end; others would append to it.
        if !is_ended {
            text.truncate(text.len() - end.len());
        }
        text
    }

    /// Whether every line of the new text is still what it is here. That holds for sections, too, that nobody reads today.
    pub(super) fn check_roles(&self, text: &str) -> Result<(), EditError> {
        let mut pieces = Pieces::of_file(text);
        let mut section = "";
        for row in self.rows() {
            if row.role == Role::Header {
                section = &row.text;
            }
            let is_same = match pieces.next() {
                Some((_, piece)) => Role::of(&piece) == Some(row.role),
                // Nothing is left of a last line without text and end.
                None => row.role == Role::Blank,
            };
            if !is_same {
                return Err(would_change(section));
            }
        }
        // A mark alone is a line for the reader.
        match pieces.all(|(_, piece)| matches!(piece, Piece::Blank)) {
            true => Ok(()),
            false => Err(would_change(section)),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        self.blocks.iter().flat_map(|block| &block.entries).flat_map(|entry| &entry.rows)
    }

    fn entry(&mut self, (block, entry): (usize, usize)) -> &mut Entry<'a> {
        &mut self.blocks[block].entries[entry]
    }

    fn keys(&mut self, section: &SectionName) -> Option<&mut HashMap<String, Vec<(usize, usize)>>> {
        let known = self.sections.get_mut(section)?;
        let blocks = &self.blocks;
        Some(known.keys.get_or_insert_with(|| {
            let mut keys: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
            for &block in &known.read {
                for (place, entry) in blocks[block].entries.iter().enumerate() {
                    if !entry.key.is_empty() {
                        keys.entry(entry.key.clone()).or_default().push((block, place));
                    }
                }
            }
            keys
        }))
    }

    /// Where the value of a key is read: the last place counts.
    fn find(&mut self, section: &SectionName, key: &str) -> Option<(usize, usize)> {
        self.keys(section)?.get(key)?.last().copied()
    }

    /// Adds `key =` behind the last property of a section.
    fn add_key(&mut self, section: &SectionName, key: &str) -> Result<(usize, usize), EditError> {
        self.add_section(section)?;
        let place =
            self.sections.get(section).and_then(|known| known.read.last().copied()).unwrap_or_default();
        let next_indent = self.next_header(place).map_or("", |row| indent_of(&row.text)).to_owned();
        let entries = &mut self.blocks[place].entries;
        let last = entries.iter().rposition(Entry::is_there).unwrap_or_default();
        let above = &mut entries[last];
        let mut indent = above.rows.first().map_or("", |row| indent_of(&row.text));
        // Less than the next header has would make that header a continuation of this value.
        if above.key.is_empty() && next_indent.len() > indent.len() {
            indent = &next_indent;
        }
        let mut rows = vec![Row::new(format!("{indent}{key} ="), Role::Property)];
        let end = above.rows.iter().rposition(Row::says_something).map_or(0, |last| last + 1);
        rows.extend(above.rows.split_off(end));
        entries.insert(last + 1, Entry { key: key.to_owned(), rows });
        let place = (place, last + 1);
        if let Some(keys) = self.keys(section) {
            let places = keys.entry(key.to_owned()).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(place)
    }

    fn next_header(&self, block: usize) -> Option<&Row<'a>> {
        self.blocks[block + 1..]
            .iter()
            .find_map(|block| block.entries.first()?.rows.first().filter(|row| row.role == Role::Header))
    }

    /// The rows of the last entry above a block that has any. What was found is remembered, or removing thousands of sections
    /// would go over those that are gone again and again.
    fn last_rows(&mut self, block: usize) -> Option<&mut Vec<Row<'a>>> {
        let mut at = block;
        let mut found = None;
        while found.is_none() && at > 0 {
            at = self.blocks.get(at).map_or(at - 1, |block| block.above);
            found = self.blocks[at].entries.iter().rposition(|entry| !entry.rows.is_empty());
        }
        if let Some(block) = self.blocks.get_mut(block) {
            block.above = at;
        }
        Some(&mut self.blocks[at].entries[found?].rows)
    }
}

impl<'a> Block<'a> {
    fn push(&mut self, row: Row<'a>) {
        match self.entries.last_mut() {
            Some(entry) => entry.rows.push(row),
            None => self.entries.push(Entry { key: String::new(), rows: vec![row] }),
        }
    }
}

impl Entry<'_> {
    fn is_there(&self) -> bool {
        self.rows.first().is_some_and(Row::says_something)
    }
}

impl Row<'_> {
    fn new(text: String, role: Role) -> Self {
        Self { text: Cow::Owned(text), end: "", is_new: true, role }
    }

    fn says_something(&self) -> bool {
        !matches!(self.role, Role::Blank | Role::Comment)
    }

    fn is_below(&self) -> bool {
        matches!(self.role, Role::SubProperty | Role::Continuation)
    }

    fn is_sub_property(&self, key: &str) -> bool {
        let text = self.text.trim_start();
        let begins = || text.get(..key.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(key));
        self.role == Role::SubProperty && begins() && text[key.len()..].trim_start().starts_with('=')
    }

    /// Puts a value into the line, and leaves what stands around it.
    fn set_value(&mut self, value: &str) {
        let Parts { before, value: old, behind } = Parts::of(&self.text, self.role);
        if old == value {
            return;
        }
        let text = if value.is_empty() {
            format!("{}{behind}", before.trim_end())
        } else if !old.is_empty() {
            format!("{before}{value}{behind}")
        } else {
            // What stands between = and a comment belongs to `before`, so the comment needs a blank of its own.
            let is_wide = before.ends_with(" =") || before.ends_with("\t=") || before.ends_with(':');
            let blank = if is_wide { " " } else { "" };
            let gap = if behind.is_empty() { "" } else { " " };
            format!("{before}{blank}{value}{gap}{behind}")
        };
        self.text = Cow::Owned(text);
    }
}

impl Role {
    fn of(piece: &Piece<'_>) -> Option<Self> {
        Some(match piece {
            Piece::Blank => Self::Blank,
            Piece::Comment => Self::Comment,
            Piece::Header(_) => Self::Header,
            Piece::Property { .. } => Self::Property,
            Piece::SubProperty { .. } => Self::SubProperty,
            Piece::Continuation(_) => Self::Continuation,
            Piece::Fault(_) => return None,
        })
    }
}

/// A line `key = value  # comment`.
struct Parts<'a> {
    /// Up to the value.
    before: &'a str,
    value: &'a str,
    /// From the end of the value.
    behind: &'a str,
}

impl<'a> Parts<'a> {
    fn of(line: &'a str, role: Role) -> Self {
        let end_of_key = if role == Role::SubProperty { line.find('=') } else { key_end(line) };
        let from = end_of_key.map_or(line.len(), |end| end + 1);
        let rest = &line[from..];
        let value = without_comment(rest);
        // Behind an empty value only what nobody takes for a line end is skipped.
        let begin = match value.is_empty() {
            true => line.len() - rest.trim_start_matches([' ', '\t']).len(),
            false => line.len() - rest.trim_start().len(),
        };
        let end = begin + value.len();
        Self { before: &line[..begin], value: &line[begin..end], behind: &line[end..] }
    }
}

fn would_change(header: &str) -> EditError {
    let section = match Pieces::of_file(header).next() {
        Some((_, Piece::Header(words))) => words.to_owned(),
        _ => String::new(),
    };
    EditError::WouldChange { section }
}

fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}
