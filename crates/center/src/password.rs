//! Passwords of people (Argon2id, RFC 9106): made into PHC strings for a seed, and verified. Slow on purpose, so a center
//! does it where nobody waits behind it.

use argon2::password_hash::PasswordHasher as _;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, PasswordVerifier as _, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::digest::{SHA256, digest};
use wire::Secret;

use crate::organisation::Organisation;

/// The longest password in bytes; nobody types a longer one, and hashing has to end.
pub const LONGEST: usize = 1024;
/// The length of a salt in bytes.
pub const SALT_LENGTH: usize = 16;

/// What a seed may ask for at most: 256 MiB and 16 passes are seconds of work for one try.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// How much work a password is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// In KiB.
    pub memory: u32,
    /// Over that memory.
    pub passes: u32,
    /// That may be filled side by side.
    pub lanes: u32,
}

impl Cost {
    /// For a password that a person chose: 19 MiB, about 25 ms of one core.
    pub const CHOSEN: Self = Self { memory: 19_456, passes: 2, lanes: 1 };
    /// For a password of 96 random bits, which nobody guesses at any speed: next to nothing.
    pub const RANDOM: Self = Self { memory: 64, passes: 1, lanes: 1 };

    fn work(self) -> u64 {
        u64::from(self.memory) * u64::from(self.passes)
    }

    fn hasher(self) -> Option<Argon2<'static>> {
        let params = Params::new(self.memory, self.passes, self.lanes, None).ok()?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// The PHC string of a password; nothing where it is empty or longer than [`LONGEST`].
pub fn hash(password: &Secret, salt: &[u8; SALT_LENGTH], cost: Cost) -> Option<String> {
    if !may_be_one(password) {
        return None;
    }
    let hash = cost.hasher()?.hash_password_with_salt(password.expose().as_bytes(), salt).ok()?;
    Some(hash.to_string())
}

/// Whether a password is the one behind a PHC string. Takes the time that the string asks for.
pub fn verify(phc: &str, password: &Secret) -> bool {
    // What is too long costs as much as what is wrong.
    let is_long = !may_be_one(password);
    let text = if is_long { "" } else { password.expose() };
    let Ok(hash) = PasswordHash::new(phc) else { return false };
    Argon2::default().verify_password(text.as_bytes(), &hash).is_ok() && !is_long
}

/// Whether a text can be a password here.
pub fn may_be_one(password: &Secret) -> bool {
    (1..=LONGEST).contains(&password.expose().len())
}

/// What a PHC string costs.
///
/// # Errors
/// What is wrong with it, for whoever wrote it into a seed.
pub fn cost(phc: &str) -> Result<Cost, &'static str> {
    let hash = PasswordHash::new(phc).map_err(|_| NOT_PHC)?;
    let has_salt = hash.salt.as_ref().is_some_and(|salt| salt.len() >= 8);
    if hash.algorithm != ARGON2ID_IDENT || hash.version != Some(Version::V0x13.into()) || !has_salt {
        return Err(NOT_PHC);
    }
    if hash.hash.as_ref().is_none_or(|output| output.len() < 16) {
        return Err(NOT_PHC);
    }
    let params = Params::try_from(&hash).map_err(|_| NOT_PHC)?;
    let cost = Cost { memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() };
    if cost.memory > MOST_MEMORY || cost.passes > MOST_PASSES || cost.lanes > MOST_LANES {
        return Err(
            "password_hash asks for more work than 256 MiB (m=262144), 16 passes (t) and 16 lanes (p)",
        );
    }
    Ok(cost)
}

const NOT_PHC: &str = "password_hash must be a PHC string that begins with $argon2id$v=19$; make one: aldis center hash-password";

/// A PHC string of nobody's password that costs as much as the dearest one of an organisation. It is verified for names that
/// nobody has and for people without a password, so that the time tells nobody which names there are (S53).
pub fn stand_in(organisation: &Organisation) -> String {
    let costs = organisation.people.iter().filter_map(|person| cost(person.password_hash.as_deref()?).ok());
    let Cost { memory, passes, lanes } = costs.max_by_key(|cost| cost.work()).unwrap_or(Cost::CHOSEN);
    let (salt, hash) = (STANDARD_NO_PAD.encode([0; SALT_LENGTH]), STANDARD_NO_PAD.encode([0; 32]));
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
}

/// What a session keeps of a password, to notice that it was changed: a hash of its PHC string.
pub fn mark(phc: &str) -> String {
    let hash = digest(&SHA256, &[b"aldis password mark 1", phc.as_bytes()].concat());
    hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::Person;
    use crate::seed;

    const QUICK: Cost = Cost { memory: 128, passes: 2, lanes: 1 };

    #[test]
    fn a_password_opens_its_hash_and_no_other() {
        for cost in [QUICK, Cost::RANDOM, Cost::CHOSEN] {
            let phc = hash(&Secret::new("correct horse"), &[7; SALT_LENGTH], cost).unwrap();
            assert!(phc.starts_with(&format!("$argon2id$v=19$m={}", cost.memory)), "{phc}");
            assert!(verify(&phc, &Secret::new("correct horse")));
            for wrong in ["", "correct hors", "correct horse ", &"x".repeat(LONGEST + 1)] {
                assert!(!verify(&phc, &Secret::new(wrong)), "{wrong}");
            }
            assert_eq!(super::cost(&phc), Ok(cost));
        }
        for text in ["".to_owned(), "x".repeat(LONGEST + 1)] {
            assert_eq!(hash(&Secret::new(text), &[7; SALT_LENGTH], QUICK), None);
        }
        assert!(!verify("nonsense", &Secret::new("nonsense")));
    }

    /// Made with the reference implementation: `echo -n password | argon2 somesaltsomesalt -id -k 256 -t 2 -p 1 -e`.
    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        let expected =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$yrdGtGIZk/3JHsUHh5gLQUqQppLwvGjf4Z+cJbPLqew";
        let password = Secret::new("password");
        let cost = Cost { memory: 256, passes: 2, lanes: 1 };
        assert_eq!(hash(&password, b"somesaltsomesalt", cost).as_deref(), Some(expected));
        assert!(verify(expected, &password));
    }

    #[test]
    fn what_a_seed_may_not_ask_for() {
        let good = stand_in(&seed::built_in());
        assert_eq!(cost(&good), Ok(Cost::CHOSEN));
        for (old, new) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=19456", "m=262145"),
            ("m=19456", "m=x"),
            ("t=2", "t=17"),
            ("p=1", "p=17"),
            ("$argon2id", "argon2id"),
            ("AAAAAAAAAAAAAAAAAAAAAA$", "$"),
        ] {
            assert!(cost(&good.replacen(old, new, 1)).is_err(), "{new}");
        }
        assert!(cost("").is_err() && cost("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ").is_err());
    }

    #[test]
    fn s53_the_stand_in_costs_as_much_as_the_dearest_password_and_opens_to_none() {
        let mut organisation = seed::built_in();
        let person = |cost| Person {
            name: "x".to_owned(),
            password_hash: hash(&Secret::new("x"), &[7; SALT_LENGTH], cost),
        };
        organisation.people = vec![person(Cost::RANDOM), person(QUICK)];
        let phc = stand_in(&organisation);
        assert_eq!(cost(&phc), Ok(QUICK));
        assert!(!verify(&phc, &Secret::new("x")) && !verify(&phc, &Secret::new("")));
    }

    #[test]
    fn s28_another_password_has_another_mark() {
        assert_ne!(mark("one"), mark("two"));
        assert_eq!(mark("one"), mark("one"));
    }
}
