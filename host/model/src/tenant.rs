//! The name of a tenant: the wall between those who share a host.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest tenant name: the name is one label of a host name, and those end at 63.
pub const MAX_TENANT_NAME_LENGTH: usize = 63;

/// A tenant's name: lower-case letters, digits and hyphens, 1 to 63 of them. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(Arc<str>);

impl TenantName {
    /// The tenant of a bare install: `default`.
    pub fn default_tenant() -> TenantName {
        TenantName("default".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantNameError {
    /// No character at all.
    #[error("a tenant name has at least one character")]
    Empty,
    /// More than [`MAX_TENANT_NAME_LENGTH`] characters.
    #[error("a tenant name has at most {MAX_TENANT_NAME_LENGTH} characters, not {length}")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// Something else than a lower-case letter, a digit or a hyphen.
    #[error(
        "a tenant name is made of lower-case letters, digits and '-': '{character}' at position {position} is none"
    )]
    Character {
        /// The first one that does not belong.
        character: char,
        /// Its place, counted in characters from 0.
        position: usize,
    },
}

impl FromStr for TenantName {
    type Err = TenantNameError;

    fn from_str(text: &str) -> Result<TenantName, TenantNameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(TenantNameError::Empty);
        }
        if length > MAX_TENANT_NAME_LENGTH {
            return Err(TenantNameError::TooLong { length });
        }
        let stranger = text
            .chars()
            .enumerate()
            .find(|(_, c)| !matches!(c, 'a'..='z' | '0'..='9' | '-'));
        match stranger {
            Some((position, character)) => Err(TenantNameError::Character { character, position }),
            None => Ok(TenantName(text.into())),
        }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_digits_and_hyphens() {
        let check = |input: &str, expected: Result<(), TenantNameError>| {
            assert_eq!(input.parse::<TenantName>().map(|_| ()), expected, "{input:?}");
        };
        check("default", Ok(()));
        check("a", Ok(()));
        check("tenant-7", Ok(()));
        check(&"x".repeat(63), Ok(()));
        check("", Err(TenantNameError::Empty));
        check(&"x".repeat(64), Err(TenantNameError::TooLong { length: 64 }));
        let stranger = |character, position| Err(TenantNameError::Character { character, position });
        check("Acme", stranger('A', 0));
        check("a/b", stranger('/', 1));
        check("a.b", stranger('.', 1));
        check("zür", stranger('ü', 1));
    }

    #[test]
    fn the_default_tenant_is_a_valid_name() {
        assert_eq!("default".parse(), Ok(TenantName::default_tenant()));
    }
}
