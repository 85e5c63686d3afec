//! The faces for programs: receive, gather, decide, commit, reply.

pub(crate) mod authorize;
pub(crate) mod metadata;
pub(crate) mod oauth;
pub(crate) mod oidc;
pub(crate) mod portal;
pub(crate) mod sts;

/// The members of a query or a form.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<(String, String)>);

/// A member came twice, which no client does by mistake and every parser reads differently (S40).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated;

impl Members {
    /// Takes pairs of which no two have the same name.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Result<Self, Repeated> {
        let repeats = |at: usize| pairs[..at].iter().any(|(name, _)| *name == pairs[at].0);
        if (1..pairs.len()).any(repeats) { Err(Repeated) } else { Ok(Self(pairs)) }
    }

    /// Takes out the value of a member.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.swap_remove(place).1)
    }
}
