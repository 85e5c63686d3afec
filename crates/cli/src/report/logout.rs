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
}

impl<'a> LogoutReport<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(outside: &'a Outside, style: Style) -> Self {
        let (signed_out, role_files, left) = (Vec::new(), Vec::new(), Vec::new());
        Self { outside, style, signed_out, role_files, left, not_removed: None }
    }

    /// A token is gone.
    pub(crate) fn signed_out(&mut self, path: &Path, target: Option<&Target>, at_center: AtCenter) {
        let name = target.map(|target| printable(target.name(), 300)).unwrap_or_default();
        match &at_center {
            AtCenter::Ended => {}
            AtCenter::NotEnded(error) => {
                let why = with_causes(error);
                warn(
                    self.outside,
                    self.style,
                    &format!("the sign-in to {name} may go on at its center until it ends by itself: {why}"),
                );
            }
            AtCenter::NotAsked => warn(
                self.outside,
                self.style,
                &format!(
                    "the token in {} does not say its start URL, so no center was asked to end it",
                    path.display()
                ),
            ),
        }
        self.signed_out.push(json!({
            "session": target.and_then(|target| target.session.as_deref()),
            "start_url": target.map(|target| target.center.start_url.as_str()),
            "ended_at_center": matches!(at_center, AtCenter::Ended),
            "token_file": path.to_string_lossy(),
        }));
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
            note(self.outside, self.style, &format!("Removed role credentials {}", path.display()));
        }
        self.role_files.push(path.to_owned());
    }

    /// A file is still there.
    pub(crate) fn kept(&mut self, kept: Kept) {
        let (Kept::Torn { path, .. } | Kept::Unreadable { path, .. } | Kept::NotRemoved { path, .. }) = &kept;
        self.left.push(json!({ "path": path.to_string_lossy(), "why": with_causes(&kept) }));
        match kept {
            Kept::NotRemoved { .. } if self.not_removed.is_none() => self.not_removed = Some(kept),
            kept => warn(self.outside, self.style, &with_causes(&kept)),
        }
    }

    /// Says it to programs; `meant` is the one session that was meant, if not all were.
    pub(crate) fn done(self, meant: Option<&str>) -> Result<Exit, Failure> {
        if self.style.json {
            let role_files: Vec<_> = self.role_files.iter().map(|path| path.to_string_lossy()).collect();
            let object = json!({
                "signed_out": self.signed_out,
                "removed_role_files": role_files,
                "left": self.left,
            });
            words::print(self.outside, &format!("{object:#}\n"))?;
        } else if self.signed_out.is_empty() && self.left.is_empty() {
            let to = meant.map(|name| format!(" to {}", printable(name, 300))).unwrap_or_default();
            note(self.outside, self.style, &format!("Not signed in{to}, so there is no token to remove"));
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
