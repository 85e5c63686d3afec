//! What happened in each place, as data: `docs/places.toml`, from which the README's table is made.

use std::path::PathBuf;

/// What happened in one place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The place in words.
    pub(super) place: String,
    /// The ways that were offered, best first.
    pub(super) offers: Vec<String>,
    /// Why so.
    pub(super) reason: String,
    /// The program that opened the page; empty where none did.
    pub(super) opener: String,
    /// What became of the browser that came to the loopback: `reached`, `refused`, or nothing where none was sent there.
    pub(super) loopback: String,
    /// The ways that ended signed in.
    pub(super) signed_in: Vec<String>,
}

impl Entry {
    fn to_toml(&self) -> String {
        format!(
            "[[place]]\nname = {:?}\nwhere = {:?}\noffers = {:?}\nreason = {:?}\nopener = {:?}\nloopback = {:?}\nsigned_in = {:?}\n",
            self.name, self.place, self.offers, self.reason, self.opener, self.loopback, self.signed_in
        )
    }

    /// Whatever was kept: what cannot work is never the first offer, unless an editor promised that it would.
    fn is_sound(&self) {
        let first = self.offers.first().map_or("nothing", String::as_str);
        let is_right = match self.loopback.as_str() {
            "reached" => first == "open",
            "refused" => first == "paste" || !self.opener.is_empty(),
            _ => matches!(first, "code" | "nothing"),
        };
        assert!(is_right, "{first} is the first offer: {self:?}");
    }

    /// Holds it against what was kept, or keeps it in the target folder, where `cargo xtask places` finds it.
    pub(super) fn settle(&self) {
        self.is_sound();
        let now = self.to_toml();
        if is_recording() {
            let folder = testkit::target().join("places");
            std::fs::create_dir_all(&folder).unwrap();
            return std::fs::write(folder.join(format!("{}.toml", self.name)), now).unwrap();
        }
        let kept = kept();
        let begin = format!("[[place]]\nname = {:?}\n", self.name);
        let before = kept.split("\n\n").map(|entry| format!("{}\n", entry.trim_end()));
        let before = before.into_iter().find(|entry| entry.starts_with(&begin)).unwrap_or_default();
        assert!(
            before == now,
            "what happens in {} is not what docs/places.toml says\n--- kept\n{before}--- now\n{now}\
             If that is meant: cargo xtask places",
            self.name
        );
    }
}

/// Whether what happens is written down instead of held against what was.
pub(super) fn is_recording() -> bool {
    std::env::var_os("ALDIS_RECORD_PLACES").is_some()
}

/// The text of `docs/places.toml`.
fn kept() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/places.toml");
    std::fs::read_to_string(&path).unwrap_or_default()
}

/// The places of which something is kept, in their order.
pub(super) fn names() -> Vec<String> {
    let name = |line: &str| line.strip_prefix("name = \"")?.strip_suffix('"').map(str::to_owned);
    kept().lines().filter_map(name).collect()
}
