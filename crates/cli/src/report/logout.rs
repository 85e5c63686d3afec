//! What a sign-out ended and removed.

use std::path::{Path, PathBuf};

use outside::Outside;
use outside::painted::{Color, Painted};
use serde_json::{Value, json};
use signin::session::Target;
use signin::sign_out::{Kept, NotRevoked};
use wire::words::printable;

use super::hints::quoted;
use super::words::{self, Style, note, warn, with_causes};
use super::{Exit, Failure, Kind};

/// What became of a sign-in at its center.
#[derive(Debug)]
pub(crate) enum AtCenter {
    /// It has ended.
    Ended,
    /// It may go on.
    NotEnded(NotRevoked),
    /// The token does not say where it belongs.
    NotAsked,
}

/// Tells what happens, and all of it at the end to programs.
#[derive(Debug)]
pub(crate) struct LogoutReport<'a> {
    outside: &'a Outside,
    style: Style,
    signed_out: Vec<Value>,
    role_files: Vec<PathBuf>,
    left: Vec<Value>,
    not_removed: Option<Kept>,
    /// The page on which a browser that is still signed in can be signed out.
    browser_pages: Vec<String>,
}

impl<'a> LogoutReport<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(outside: &'a Outside, style: Style) -> Self {
        let (signed_out, role_files, left, browser_pages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { outside, style, signed_out, role_files, left, not_removed: None, browser_pages }
    }

    /// A token is gone; of one that says where it belongs, its session and the page on which a browser is signed out.
    pub(crate) fn signed_out(&mut self, path: &Path, of: Option<(&Target, String)>, at_center: AtCenter) {
        let (target, page) = of.unzip();
        let name = target.map(|target| printable(&target.name(), 300)).unwrap_or_default();
        match &at_center {
            AtCenter::Ended => {}
            AtCenter::NotEnded(error) => {
                let why = with_causes(error);
                warn(
                    self.outside,
                    self.style,
                    format!("the sign-in to {name} may go on at its center until it ends by itself: {why}"),
                );
            }
            AtCenter::NotAsked => warn(
                self.outside,
                self.style,
                format!(
                    "the token in {} does not say its start URL, so no center was asked to end it",
                    path.display()
                ),
            ),
        }
        self.signed_out.push(json!({
            "session": target.and_then(|target| target.session.as_deref()),
            "start_url": target.map(Target::shown_start_url),
            "ended_at_center": matches!(at_center, AtCenter::Ended),
            "token_file": path.to_string_lossy(),
            "browser_sign_out": page,
        }));
        if let Some(page) = page.filter(|page| !self.browser_pages.contains(page)) {
            self.browser_pages.push(page);
        }
        if !self.style.json {
            let path = path.display();
            let text = match target {
                Some(_) => {
                    let words = self.style.paint(Color::Green, "Signed out");
                    words.then(format!(" of {name}, removed {path}"))
                }
                None => Painted::from(format!("Removed {path}")),
            };
            note(self.outside, self.style, text);
        }
    }

    /// The credentials of a role are gone.
    pub(crate) fn role_file(&mut self, path: &Path) {
        if !self.style.json {
            note(self.outside, self.style, format!("Removed role credentials {}", path.display()));
        }
        self.role_files.push(path.to_owned());
    }

    /// A file is still there.
    pub(crate) fn kept(&mut self, kept: Kept) {
        let (Kept::Torn { path, .. } | Kept::Unreadable { path, .. } | Kept::NotRemoved { path, .. }) = &kept;
        self.left.push(json!({ "path": path.to_string_lossy(), "why": with_causes(&kept) }));
        match kept {
            Kept::NotRemoved { .. } if self.not_removed.is_none() => self.not_removed = Some(kept),
            kept => warn(self.outside, self.style, with_causes(&kept)),
        }
    }

    /// Says it to programs; `meant` is the one session that was meant, if not all were.
    pub(crate) fn done(self, meant: Option<String>) -> Result<Exit, Failure> {
        if self.style.json {
            let role_files: Vec<_> = self.role_files.iter().map(|path| path.to_string_lossy()).collect();
            let object = json!({
                "signed_out": self.signed_out,
                "removed_role_files": role_files,
                "left": self.left,
            });
            words::print(self.outside, &format!("{object:#}\n"))?;
        } else if !self.browser_pages.is_empty() {
            let pages = printable(&self.browser_pages.join(", "), 2000);
            note(
                self.outside,
                self.style,
                format!("Your browser may still be signed in there; to end that, sign out at {pages}"),
            );
        } else if self.signed_out.is_empty() && self.left.is_empty() {
            let to = meant.map(|name| format!(" to {}", printable(&name, 300))).unwrap_or_default();
            note(self.outside, self.style, format!("Not signed in{to}, so there is no token to remove"));
        }
        match self.not_removed {
            None => Ok(Exit::Done),
            Some(kept) => {
                let folder = match &kept {
                    Kept::NotRemoved { path, .. } => {
                        path.parent().unwrap_or(path).to_string_lossy().into_owned()
                    }
                    _ => String::new(),
                };
                Err(Failure::new(Kind::Other, kept)
                    .hint(format!("see who may write there: ls -ld {}", quoted(&folder))))
            }
        }
    }
}
