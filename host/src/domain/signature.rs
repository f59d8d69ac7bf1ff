//! Signatures of plugins: what the operator wants of them, and how a content stands.

use serde::{Deserialize, Serialize};

use super::minisign::{KeyId, PublicKey, Signature};

/// What becomes of a plugin whose signature is not by one of the operator's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignaturePolicy {
    /// It is taken.
    #[default]
    Off,
    /// It is taken, and the log says so.
    Warn,
    /// It is refused.
    Enforce,
}

/// How a content is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Signed {
    /// There is no signature beside the file.
    Unsigned,
    /// There is one, and the host has no key to hold it against.
    Unchecked,
    /// By one of the operator's keys.
    Valid {
        /// Its id, as minisign writes it.
        key: String,
        /// Signed with the content.
        comment: String,
    },
    /// It is none of the operator's keys', or does not fit.
    Wrong { reason: String },
}

/// What the operator wants, and the keys that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureRules {
    pub policy: SignaturePolicy,
    pub keys: Vec<PublicKey>,
}

/// What lies beside a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFile {
    Absent,
    Text(String),
    Unreadable(String),
}

impl SignatureRules {
    pub fn judge(&self, file: &SignatureFile, content: &[u8]) -> Signed {
        let text = match file {
            SignatureFile::Absent => return Signed::Unsigned,
            SignatureFile::Unreadable(why) => {
                return wrong(format!("a signature that cannot be read: {why}"));
            }
            SignatureFile::Text(_) if self.keys.is_empty() => return Signed::Unchecked,
            SignatureFile::Text(text) => text,
        };
        let signature = match Signature::parse(text) {
            Ok(signature) => signature,
            Err(error) => return wrong(format!("a file that is no signature: {error}")),
        };
        match signature.verify(&self.keys, content) {
            Ok(signer) => Signed::Valid { key: signer.key.to_string(), comment: signer.comment },
            Err(fault) => wrong(fault.to_string()),
        }
    }

    /// Why it may not serve, where it may not.
    pub fn refuses(&self, signed: &Signed) -> Option<String> {
        match (self.policy, self.fault(signed)) {
            (SignaturePolicy::Enforce, fault) => fault,
            (SignaturePolicy::Off | SignaturePolicy::Warn, _) => None,
        }
    }

    /// What the log should say, where it should.
    pub fn warns(&self, signed: &Signed) -> Option<String> {
        match (self.policy, self.fault(signed)) {
            (SignaturePolicy::Warn, fault) => fault,
            (SignaturePolicy::Off | SignaturePolicy::Enforce, _) => None,
        }
    }

    /// A key that was trusted once may have been taken away since.
    fn fault(&self, signed: &Signed) -> Option<String> {
        match signed {
            Signed::Valid { key, .. } if self.ids().any(|id| id.to_string() == *key) => None,
            Signed::Valid { key, .. } => {
                Some(format!("a signature by the key {key}, which is none of these"))
            }
            Signed::Wrong { reason } => Some(reason.clone()),
            Signed::Unsigned => Some("no signature".to_owned()),
            Signed::Unchecked => Some("a signature that was not held against any key".to_owned()),
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(PublicKey::id)
    }
}

fn wrong(reason: String) -> Signed {
    Signed::Wrong { reason }
}

/// In a few words.
pub fn words(signed: &Signed) -> String {
    match signed {
        Signed::Unsigned => "none".to_owned(),
        Signed::Unchecked => "there is one, and the host has no key to check it with".to_owned(),
        Signed::Valid { key, comment } => format!("by {key}: {comment}"),
        Signed::Wrong { reason } => format!("wrong: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::domain::minisign::SecretKey;

    fn key(seed: u8) -> SecretKey {
        SecretKey::make(&Zeroizing::new([seed; 32]), [seed; 8]).unwrap().0
    }

    fn rules(policy: SignaturePolicy) -> SignatureRules {
        SignatureRules { policy, keys: vec![key(1).public()] }
    }

    /// The words of whatever stands against it.
    fn told(
        rules: &SignatureRules,
        file: &SignatureFile,
        content: &[u8],
    ) -> (Option<String>, Option<String>) {
        let signed = rules.judge(file, content);
        (rules.refuses(&signed), rules.warns(&signed))
    }

    #[test]
    fn what_is_not_signed_by_an_operator_s_key_is_refused_told_or_taken_as_the_policy_says() {
        let by = |seed: u8| SignatureFile::Text(key(seed).sign(b"content", "toy 1.0.0").unwrap());
        let cases = [
            (SignatureFile::Absent, "no signature"),
            (
                SignatureFile::Text("text".to_owned()),
                "a file that is no signature: it has 1 lines in the place of 4",
            ),
            (
                SignatureFile::Unreadable("no plain file".to_owned()),
                "a signature that cannot be read: no plain file",
            ),
            (by(2), "a signature by the key 0202020202020202, which is none of these"),
        ];
        for (file, fault) in cases {
            let fault = Some(fault.to_owned());
            assert_eq!(told(&rules(SignaturePolicy::Enforce), &file, b"content"), (fault.clone(), None));
            assert_eq!(told(&rules(SignaturePolicy::Warn), &file, b"content"), (None, fault));
            assert_eq!(told(&rules(SignaturePolicy::Off), &file, b"content"), (None, None));
        }
        let enforce = rules(SignaturePolicy::Enforce);
        assert_eq!(told(&enforce, &by(1), b"content"), (None, None));
        let changed = told(&enforce, &by(1), b"other").0.unwrap();
        assert_eq!(changed, "a signature by 0101010101010101 that does not fit the content");
        let signed = enforce.judge(&by(1), b"content");
        assert_eq!(words(&signed), "by 0101010101010101: toy 1.0.0");
        let other = SignatureRules { keys: vec![key(2).public()], ..enforce };
        assert!(other.refuses(&signed).is_some(), "its key is not trusted any more");
    }

    #[test]
    fn without_keys_nothing_can_be_said_of_a_signature() {
        let none = SignatureRules::default();
        let file = SignatureFile::Text(key(1).sign(b"content", "").unwrap());
        assert_eq!(none.judge(&file, b"content"), Signed::Unchecked);
    }
}
