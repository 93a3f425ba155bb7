//! Tokens: `tw_ID_SECRET`. The id finds the document, the secret proves who has it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use host_model::ids::Ids;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::chance::secret_bytes;
use super::secret::Secret;

const PREFIX: &str = "tw_";

/// A token that was just made.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) id: String,
    /// What is stored.
    pub(crate) hash: String,
    /// What its owner gets.
    pub(crate) text: Secret,
}

/// A token as a client sent it.
#[derive(Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) id: &'a str,
    secret: &'a str,
}

/// Makes a token.
pub(crate) fn make(ids: &dyn Ids) -> Fresh {
    let id = format!("{:016x}", ids.random());
    let secret = URL_SAFE_NO_PAD.encode(secret_bytes(ids));
    Fresh {
        hash: hash(&secret),
        text: Secret::new(format!("{PREFIX}{id}_{secret}")),
        id,
    }
}

impl<'a> Presented<'a> {
    /// Takes a token apart; none if it is not of the form.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_id = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then_some(Self { id, secret })
    }

    /// Whether this token's hash is the stored one. The secret has 256 bits of chance, so one round of SHA-256 is as
    /// good as many. Takes the same time whichever digit differs.
    pub(crate) fn has_hash(&self, stored: &str) -> bool {
        hash(self.secret).as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    #[test]
    fn a_token_proves_itself_and_no_other() {
        let ids = Numbers::default();
        let (one, other) = (make(&ids), make(&ids));
        let presented = Presented::parse(one.text.expose()).unwrap();
        assert_eq!(presented.id, one.id);
        assert!(presented.has_hash(&one.hash));
        assert!(!presented.has_hash(&other.hash));
        assert!(!presented.has_hash(""));
        assert!(!format!("{one:?}").contains(one.text.expose()));
        assert!(!one.hash.contains(presented.secret));
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in [
            "",
            "tw_",
            "tw_0011",
            "tw_x_y",
            "0123456789abcdef_x",
            "tw_0123456789ABCDEF_x",
            "tw_0123456789abcde/_x",
        ] {
            assert!(Presented::parse(text).is_none(), "{text}");
        }
    }
}
