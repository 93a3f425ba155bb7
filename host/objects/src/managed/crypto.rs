//! `crypto`: what scripts call as `openidm.encrypt`, `decrypt`, `hash` and `matches`. For the house's own scripts only:
//! to a caller from outside, and to scripts that act for one, it does not decrypt anything.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::members::Members;
use host_resource::{Action, ApiVersion, Context, Pointer, Problem, Resource, ResourcePath};
use host_secrets::{DEFAULT_ALIAS, HashAlgorithm, is_hashed};
use serde_json::Value;

use super::ManagedObjects;
use super::secret::Protection;
use super::secret::refuse_cipher;

/// Encryption for scripts, to be mounted at `crypto`.
#[derive(Debug)]
pub struct CryptoResource(pub Arc<ManagedObjects>);

#[async_trait]
impl Resource for CryptoResource {
    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        if !path.is_empty() {
            return Err(Problem::not_found(format!("crypto/{path}")));
        }
        if context.caller.is_external {
            return Err(Problem::forbidden(
                "only scripts of the configuration encrypt and decrypt",
            ));
        }
        let content = action.content.unwrap_or_default();
        let members = Members::of(&content, Pointer::root())?;
        let value = content.get("value").unwrap_or(&Value::Null);
        let at = members.at("value");
        let vault = &self.0.vault;
        match action.name.as_str() {
            "encrypt" => {
                members.only(&["value", "cipher", "key"])?;
                refuse_cipher(&members)?;
                let alias = members.text("key")?.unwrap_or(DEFAULT_ALIAS).to_owned();
                // Whatever a script asks for, keys are those of the configuration: the keystore does not grow with them.
                if alias != DEFAULT_ALIAS && !self.0.has_alias(&alias) {
                    let message =
                        format!("no property is encrypted with the key '{alias}', and it is not '{DEFAULT_ALIAS}'");
                    return Err(members.invalid("key", message).into());
                }
                vault.seal(&alias, value).map(Some)
            }
            "decrypt" => {
                members.only(&["value"])?;
                vault.open(value, &at).map(Some)
            }
            "hash" => {
                members.only(&["value", "algorithm"])?;
                let name = members.text("algorithm")?.unwrap_or("SHA-256");
                let algorithm =
                    HashAlgorithm::named(name).map_err(|error| members.invalid("algorithm", error.to_string()))?;
                vault
                    .protect(&Protection::Hashed(algorithm), value, &at)
                    .await
                    .map(Some)
            }
            "matches" => {
                members.only(&["value", "hashed"])?;
                let hashed = members.get("hashed").filter(|hashed| is_hashed(hashed));
                let hashed = hashed.ok_or_else(|| members.invalid("hashed", "a hashed value is expected"))?;
                vault.is_of(hashed, value).await.map(|is_of| Some(is_of.into()))
            }
            name => Err(Problem::unsupported(format!(
                "the action '{name}' is not supported: there are encrypt, decrypt, hash and matches"
            ))),
        }
    }

    fn joins_unit_of_work(&self) -> bool {
        true
    }
}
