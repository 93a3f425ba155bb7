//! The administrator, who is made at the first start.

use anyhow::Context as _;
use host_model::ids::Ids;
use host_rest::{Callers, Secret};

/// The user that may do everything.
pub const ADMIN: &str = "openidm-admin";

/// Makes the administrator if there is none. Returns the password if it had to be made up.
pub(crate) async fn ensure(callers: &Callers, given: Option<String>, ids: &dyn Ids) -> anyhow::Result<Option<String>> {
    if callers.has_user(ADMIN).await? {
        return Ok(None);
    }
    let (password, generated) = match given {
        Some(password) => (password, None),
        None => {
            let password = format!("{:016x}{:016x}", ids.random(), ids.random());
            (password.clone(), Some(password))
        }
    };
    let set = callers.set_password(ADMIN, &Secret::new(password), &[ADMIN]).await;
    set.with_context(|| format!("cannot set the password of {ADMIN}"))?;
    Ok(generated)
}
