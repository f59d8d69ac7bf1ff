//! Names that people give: what they may look like.

/// A DNS label: a cluster's name may become part of a host's name.
pub const NAME_LENGTH_MAX: usize = 63;

/// Lower case letters, digits and `-`, not at an end.
pub fn is_cluster_name(name: &str) -> bool {
    let within = (1..=NAME_LENGTH_MAX).contains(&name.len());
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    within && letters && !name.starts_with('-') && !name.ends_with('-')
}

/// What a person reads in a list: printable, not empty.
pub fn is_label(name: &str) -> bool {
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_like_a_host() {
        for name in ["a", "lab", "lab-2", "0", &"a".repeat(63)] {
            assert!(is_cluster_name(name), "{name}");
        }
        for name in ["", "Lab", "lab.eu", "-lab", "lab-", "läb", "a b", &"a".repeat(64)] {
            assert!(!is_cluster_name(name), "{name}");
        }
    }
}
