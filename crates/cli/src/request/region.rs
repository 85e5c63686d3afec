//! Names of AWS regions as people type them. A region is checked by its shape, so that a new one works on its first day; the list
//! here only serves to propose the nearest one.

use strsim::damerau_levenshtein;

/// The regions of all partitions that take sign-ups, in the order in which equally near ones are proposed.
const KNOWN: [&str; 39] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-central-1",
    "eu-central-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-south-1",
    "ap-south-2",
    "ap-east-1",
    "ap-east-2",
    "ca-central-1",
    "ca-west-1",
    "sa-east-1",
    "mx-central-1",
    "af-south-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eusc-de-east-1",
];
/// More changes than this make another word.
const MOST_CHANGES: usize = 3;

/// True if the text has the shape of a region: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else { return false };
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 63
        && area.len() >= 2
        && is_word(area)
        && !middle.is_empty()
        && middle.iter().all(is_word)
        && is_number
}

/// The known region that resembles the text most; `None` if none does.
pub(crate) fn nearest(text: &str) -> Option<&'static str> {
    let letters = |text: &str| {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    let wanted = letters(text);
    let changes = |region: &&&str| damerau_levenshtein(&wanted, &letters(region));
    KNOWN.iter().min_by_key(changes).filter(|region| changes(region) <= MOST_CHANGES).copied()
}

/// The nearest known region of a well-shaped one that is not known, and may be a typing error.
pub(crate) fn doubt(region: &str) -> Option<&'static str> {
    let near = nearest(region).filter(|_| !KNOWN.contains(&region))?;
    (damerau_levenshtein(region, near) <= 2 && region.split('-').next() == near.split('-').next())
        .then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_known_by_its_shape() {
        for region in KNOWN {
            assert!(is_region(region), "{region}");
        }
        for region in ["us-isob-east-1", "eu-isoe-west-1", "us-east-11", "xx-anywhere-9"] {
            assert!(is_region(region), "{region}");
        }
        for text in [
            "",
            "useast1",
            "us-east",
            "us-east-1a",
            "US-EAST-1",
            "us_east_1",
            "us-east-",
            "us--1",
            "-east-1",
            "u-east-1",
            "us-east-123",
            "us east 1",
            "us-east-1.evil.example",
            "frankfurt",
        ] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn the_nearest_region_is_proposed() {
        let table = [
            ("useast1", Some("us-east-1")),
            ("us-east", Some("us-east-1")),
            ("us-east-1a", Some("us-east-1")),
            ("US_EAST_1", Some("us-east-1")),
            ("eucentral1", Some("eu-central-1")),
            ("eu-centrall-1", Some("eu-central-1")),
            ("frankfurt", None),
            ("https://x", None),
        ];
        for (text, region) in table {
            assert_eq!(nearest(text), region, "{text}");
        }
    }

    #[test]
    fn a_well_shaped_region_that_is_not_known_is_doubted_if_it_is_near_a_known_one() {
        assert_eq!(doubt("us-esat-1"), Some("us-east-1"));
        for region in ["us-east-1", "us-isob-east-1", "xx-anywhere-9"] {
            assert_eq!(doubt(region), None, "{region}");
        }
    }
}
