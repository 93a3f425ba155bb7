//! How a connector speaks TLS. Certificates are always checked.

use std::sync::Arc;

use host_model::Invalid;
use host_model::members::Members;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::options::texts;

/// Whom we trust: the certificates of the configuration if there are any, else those of the machine.
pub(crate) fn client(members: &Members<'_>) -> Result<Arc<ClientConfig>, Invalid> {
    if members
        .get("hostNameVerification")
        .is_some_and(|value| *value == Value::Bool(false))
    {
        return Err(members.invalid(
            "hostNameVerification",
            "certificates are always checked: name the one to trust in trustedCertificates",
        ));
    }
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
