//! The short code that a person compares or types (RFC 8628 section 6.1).

use ring::digest::{SHA256, digest};

use crate::instance::Call;
use crate::seal::Seals;

/// No vowels, so that no words arise; no look-alikes. Eight of them carry 34.5 bits.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A new code, shaped `XXXX-XXXX`.
pub fn roll(call: &Call<'_>) -> String {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() < LENGTH + 1 {
        let [byte] = call.random::<1>();
        // 240 is the largest multiple of 20 in a byte; the rest would make some letters likelier.
        if byte >= 240 {
            continue;
        }
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    }
    code
}

/// A code as a person typed it in the shape in which it is kept: case, dashes and blanks do not matter. Nothing where it
/// cannot be a code.
pub fn normalize(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let letters: Vec<u8> = typed
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b' ' | b'_' | b'\t'))
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    if letters.len() != LENGTH || !letters.iter().all(|letter| ALPHABET.contains(letter)) {
        return None;
    }
    let text: String = letters.into_iter().map(char::from).collect();
    Some(format!("{}-{}", &text[..LENGTH / 2], &text[LENGTH / 2..]))
}

/// What a store keeps of a code, at one organisation: a hash. It can be found by the code, and is nothing to another
/// organisation on the same store.
pub fn kept(seals: &Seals, code: &str) -> String {
    let hash = digest(&SHA256, &[b"aldis user code 1", &seals.organisation()[..], code.as_bytes()].concat());
    hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a store keeps of a code as a person typed it; nothing where it cannot be a code.
pub fn kept_of_typed(seals: &Seals, typed: &str) -> Option<String> {
    Some(kept(seals, &normalize(typed)?))
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn s4_case_dashes_and_blanks_do_not_matter() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "B-C-D-F-G-H-J-K", "bcdf_ghjk"] {
            assert_eq!(normalize(typed).as_deref(), Some("BCDF-GHJK"), "{typed}");
        }
        for typed in ["", "BCDF", "BCDF-GHJA", "BCDF-GHJ1", "BCDF-GHJKL", "ÄCDF-GHJK"] {
            assert_eq!(normalize(typed), None, "{typed}");
        }
    }
}
