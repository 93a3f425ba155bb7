//! Options that connectors have in common: how `configurationProperties` write flags, numbers and lists, and which
//! certificates are trusted.

use std::sync::Arc;

use host_model::Invalid;
use host_model::members::Members;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// Whether an option says no more than leaving it out does.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "false" || text.eq_ignore_ascii_case("none"),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// True or false, also as a text: existing configurations write flags and numbers as texts, too.
pub(crate) fn flag(members: &Members<'_>, name: &str) -> Result<bool, Invalid> {
    match members.get(name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => Err(members.invalid(name, "true or false is expected")),
    }
}

/// A whole number of a range, also as a text.
pub(crate) fn whole(members: &Members<'_>, name: &str, least: i64, most: i64) -> Result<Option<i64>, Invalid> {
    let number = match members.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_i64(),
    };
    number
        .filter(|number| (least..=most).contains(number))
        .map(Some)
        .ok_or_else(|| members.invalid(name, format!("a whole number from {least} to {most} is expected")))
}

/// An array of texts, or one text.
pub(crate) fn texts(members: &Members<'_>, name: &str) -> Result<Vec<String>, Invalid> {
    match members.get(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(position, item)| {
                let text = item.as_str().map(str::to_owned);
                text.ok_or_else(|| Invalid::new(members.at(name).child(&position.to_string()), "a text is expected"))
            })
            .collect(),
        Some(_) => Err(members.invalid(name, "an array of texts is expected")),
    }
}

/// Whom we trust: the certificates in `trustedCertificates` if there are any, else those of the machine.
pub(crate) fn trust(members: &Members<'_>) -> Result<Arc<ClientConfig>, Invalid> {
    let mut roots = RootCertStore::empty();
    let given = texts(members, "trustedCertificates")?;
    let bad = |message: String| members.invalid("trustedCertificates", message);
    for text in &given {
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| bad(format!("this is no certificate in PEM: {error}")))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
    }
    if given.is_empty() {
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that cannot be read is one that is not trusted.
            drop(roots.add(certificate));
        }
    } else if roots.is_empty() {
        return Err(bad(
            "a certificate in PEM is expected, such as -----BEGIN CERTIFICATE-----…".to_owned(),
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
