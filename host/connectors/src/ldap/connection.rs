//! Connections to a directory: made, let in, kept for the next call, and what a directory's answers mean.

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult};
use parking_lot::Mutex;

use super::settings::Settings;
use crate::error::Error;

/// So many connections are kept while nobody uses them.
const MAX_IDLE: usize = 10;

/// Connections that nobody uses.
#[derive(Default)]
pub(super) struct Connections(Mutex<Vec<Ldap>>);

impl Connections {
    /// A connection that is let in: one that was used before, or a new one.
    pub(super) async fn take(&self, settings: &Settings) -> Result<Ldap, Error> {
        loop {
            let idle = self.0.lock().pop();
            let Some(mut ldap) = idle else { break };
            if !ldap.is_closed() {
                return Ok(ldap);
            }
        }
        let mut ldap = connect(settings).await?;
        if !settings.principal.is_empty() {
            let bound = ldap.simple_bind(&settings.principal, &settings.credentials).await;
            match bound.map_err(|error| lost(&error))? {
                LdapResult { rc: 0, .. } => {}
                LdapResult {
                    rc: 32 | 34 | 48 | 49 | 50 | 53,
                    ..
                } => return Err(Error::OwnCredentials),
                other => return Err(refused(&other, &settings.principal)),
            }
        }
        Ok(ldap)
    }

    /// Keeps a connection whose call went well.
    pub(super) fn give_back(&self, ldap: Ldap) {
        let mut idle = self.0.lock();
        if idle.len() < MAX_IDLE {
            idle.push(ldap);
        }
    }
}

/// A connection that nobody is let in on yet.
pub(super) async fn connect(settings: &Settings) -> Result<Ldap, Error> {
    let mut options = LdapConnSettings::new().set_starttls(settings.starts_tls);
    if let Some(tls) = &settings.tls {
        options = options.set_config(tls.clone());
    }
    let made = LdapConnAsync::with_settings(options, &settings.url).await;
    let (connection, ldap) = made.map_err(|error| match error {
        LdapError::LdapResult { result } => refused(&result, ""),
        other => Error::Unreachable(other.to_string()),
    })?;
    tokio::spawn(async move {
        if let Err(error) = connection.drive().await {
            tracing::debug!(%error, "a connection to a directory ended");
        }
    });
    Ok(ldap)
}

/// What it means that a call has no answer.
pub(super) fn lost(error: &LdapError) -> Error {
    match error {
        LdapError::LdapResult { result } => refused(result, ""),
        LdapError::AddNoValues | LdapError::FilterParsing | LdapError::DecodingUTF8 => Error::Failed(error.to_string()),
        other => Error::Lost(other.to_string()),
    }
}

/// What an answer other than success means (RFC 4511, appendix A).
pub(super) fn refused(result: &LdapResult, object: &str) -> Error {
    let text = match result.text.as_str() {
        "" => result.to_string(),
        text => text.to_owned(),
    };
    match result.rc {
        // noSuchObject
        32 => Error::Missing(object.to_owned()),
        // entryAlreadyExists
        68 => Error::Exists(object.to_owned()),
        // invalidCredentials, inappropriateAuthentication
        48 | 49 => Error::Credentials,
        // insufficientAccessRights, strongerAuthRequired, confidentialityRequired, unwillingToPerform
        50 | 8 | 13 | 53 => Error::Denied(text),
        // attributes, names, classes, and entries that have others below them
        17..=19 | 21 | 34 | 64..=67 | 69 | 71 => Error::Invalid(text),
        // noSuchAttribute, attributeOrValueExists: the values are not what they were
        16 | 20 | 122 => Error::Changed(text),
        // busy, unavailable
        51 | 52 => Error::Busy(text),
        // time, size and administrative limits
        3 | 4 | 11 => Error::TooLarge(format!("the directory ends the search early: {text}")),
        10 => Error::Unsupported("the directory refers to another one".to_owned()),
        _ => Error::Failed(text),
    }
}
