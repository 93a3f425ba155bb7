//! `policy/managed/TYPE/ID`: what the policies of a type are, and what they say of an object or a property before it is
//! written.

use std::sync::Arc;

use async_trait::async_trait;
use host_resource::{Action, ApiVersion, Content, Context, Object, Pointer, Problem, Read, Resource, ResourcePath};
use serde_json::{Value, json};

use super::policy::{Policy, verdict};
use super::schema::{Schema, check, check_property};
use super::unique::taken;
use super::{LiveType, ManagedObjects};

/// The policies of the managed types, to be mounted at `policy`.
#[derive(Debug)]
pub struct PolicyResource(pub Arc<ManagedObjects>);

impl PolicyResource {
    /// The type and the id of an object in a path such as `managed/user/joe`.
    fn place(&self, path: &ResourcePath) -> Result<(Arc<LiveType>, String), Problem> {
        let elements: Vec<&str> = path.elements().collect();
        let missing = || Problem::not_found(format!("policy/{path}"));
        match elements.as_slice() {
            [managed, name, id] if managed.eq_ignore_ascii_case("managed") => {
                Ok((self.0.managed(name).map_err(|_| missing())?, (*id).to_owned()))
            }
            _ => Err(missing()),
        }
    }
}

#[async_trait]
impl Resource for PolicyResource {
    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        let (live, _) = self.place(path)?;
        let none = Schema::default();
        let schema = live.definition.schema.as_ref().unwrap_or(&none);
        let mut properties = Vec::new();
        for property in schema.all() {
            let mut policies = property.policies.clone();
            if property.traits.is_unique {
                policies.push(Policy::Unique);
            }
            let shown: Vec<Value> = policies
                .iter()
                .map(|policy| {
                    let (id, requirement) = policy.names();
                    json!({"policyId": id, "params": policy.parameters(), "policyRequirements": [requirement]})
                })
                .collect();
            let mut requirements: Vec<&str> = policies.iter().map(|policy| policy.names().1).collect();
            if !property.kinds.is_any() {
                requirements.push("VALID_TYPE");
            }
            requirements.dedup();
            properties.push(json!({
                "name": name(&property.pointer),
                "policies": shown,
                "policyRequirements": requirements,
            }));
        }
        Ok(Object {
            id: path.to_string(),
            rev: None,
            content: Content::Json(json!({"resource": path.to_string(), "properties": properties})),
        })
    }

    async fn action(
        &self,
        context: &Context,
        path: &ResourcePath,
        action: Action,
        _version: Option<ApiVersion>,
    ) -> Result<Option<Value>, Problem> {
        let (live, id) = self.place(path)?;
        let content = action.content.unwrap_or_default();
        if !content.is_object() {
            return Err(Problem::invalid("", "an object is expected"));
        }
        let none = Schema {
            is_open: true,
            ..Schema::default()
        };
        let schema = live.definition.schema.as_ref().unwrap_or(&none);
        let unit = self.0.view(context).await?;
        let mut failed = match action.name.as_str() {
            "validateObject" => {
                let checked = check(schema, &content);
                if let Some(unknown) = checked.unknown {
                    return Err(unknown.into());
                }
                checked.failed
            }
            "validateProperty" => {
                let mut failed = Vec::new();
                for name in content.as_object().into_iter().flat_map(|members| members.keys()) {
                    match schema.get(name) {
                        Some(property) => failed.extend(check_property(property, &content)),
                        None if schema.is_open => {}
                        None => {
                            let message = format!("the schema does not know the property '{name}'");
                            return Err(Problem::invalid(Pointer::root().child(name), message));
                        }
                    }
                }
                failed
            }
            name => {
                return Err(Problem::unsupported(format!(
                    "the action '{name}' is not supported: there are validateObject and validateProperty"
                )));
            }
        };
        failed.extend(taken(&unit, &live, &id, &content).await?);
        Ok(Some(verdict(&failed)))
    }

    fn joins_unit_of_work(&self) -> bool {
        true
    }
}

fn name(pointer: &Pointer) -> String {
    pointer.to_string().trim_start_matches('/').to_owned()
}
