//! The resource `internal/token`: tokens for clients that are no people. Only their making shows the token itself.

use std::sync::Arc;

use async_trait::async_trait;
use host_model::clock::parse_wire_time;
use host_resource::{
    Content, Context, Create, Delete, Object, Page, Problem, Query, Read, Resource, ResourcePath, listing,
};
use host_store::{Collection, Scan};
use serde_json::{Value, json};

use super::record::{TokenRecord, decode};
use super::token::Presented;
use super::{ADMIN, Callers, Error, TOKENS, token_key};

/// The resource `internal/token`.
pub struct TokenResource(pub Arc<Callers>);

/// Tokens that are listed in one go.
const BATCH: usize = 500;

impl TokenResource {
    async fn shown(&self, id: &str, path: &ResourcePath) -> Result<Object, Problem> {
        let document = self.0.store.get(&token_key(id)).await?;
        let document = document.ok_or_else(|| Problem::not_found(path))?;
        Ok(object(id, &decode(&document)?))
    }
}

#[async_trait]
impl Resource for TokenResource {
    /// `{"name", "roles"?, "expires"?}`; the answer alone has `token`.
    async fn create(&self, _context: &Context, path: &ResourcePath, create: Create) -> Result<Object, Problem> {
        if !path.is_empty() || create.id.is_some() {
            return Err(Problem::bad_request(
                "a token's id is made by the server: POST to internal/token",
            ));
        }
        let Value::Object(members) = &create.content else {
            return Err(Problem::invalid(
                "",
                "must be an object with name, and perhaps roles and expires",
            ));
        };
        if let Some(unknown) = members
            .keys()
            .find(|name| !["name", "roles", "expires"].contains(&name.as_str()))
        {
            return Err(Problem::invalid(
                format!("/{unknown}"),
                "unknown property; known here are name, roles, expires",
            ));
        }
        let name = members.get("name").and_then(Value::as_str);
        let name =
            name.ok_or_else(|| Problem::invalid("/name", "must be a text: what logs call the owner of the token"))?;
        let expires =
            match members.get("expires") {
                None | Some(Value::Null) => None,
                Some(value) => {
                    let instant = value.as_str().and_then(parse_wire_time);
                    Some(instant.ok_or_else(|| {
                        Problem::invalid("/expires", "must be a time such as 2027-01-01T00:00:00.000Z")
                    })?)
                }
            };
        let roles: Vec<&str> = match members.get("roles") {
            None | Some(Value::Null) => vec![ADMIN],
            Some(Value::Array(roles)) => roles
                .iter()
                .enumerate()
                .map(|(at, role)| {
                    role.as_str()
                        .ok_or_else(|| Problem::invalid(format!("/roles/{at}"), "must be a text"))
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(Problem::invalid("/roles", "must be an array of role names")),
        };
        let text = self
            .0
            .create_token(name, &roles, expires)
            .await
            .map_err(|error| match error {
                Error::Name => Problem::invalid("/name", error),
                Error::Role(_) => Problem::invalid("/roles", error),
                error => Problem::internal(error.to_string()),
            })?;
        let id = Presented::parse(text.expose()).map(|presented| presented.id.to_owned());
        let id = id.ok_or_else(|| Problem::internal("the token that was made is no token"))?;
        let mut shown = self.shown(&id, path).await?;
        if let Content::Json(members) = &mut shown.content {
            members["token"] = text.expose().into();
        }
        Ok(shown)
    }

    async fn read(&self, _context: &Context, path: &ResourcePath, _read: Read) -> Result<Object, Problem> {
        self.shown(id(path)?, path).await
    }

    async fn delete(&self, _context: &Context, path: &ResourcePath, _delete: Delete) -> Result<Object, Problem> {
        let id = id(path)?;
        let was = self.shown(id, path).await?;
        self.0
            .revoke_token(id)
            .await
            .map_err(|error| Problem::internal(error.to_string()))?;
        Ok(was)
    }

    async fn query(&self, _context: &Context, path: &ResourcePath, query: Query) -> Result<Page, Problem> {
        if !path.is_empty() {
            return Err(Problem::bad_request("a token has nothing inside: query internal/token"));
        }
        let mut tokens = Vec::new();
        let mut cursor = None;
        loop {
            let page = self
                .0
                .store
                .scan(&Scan::all(Collection::new(TOKENS), BATCH).after(cursor))
                .await?;
            for document in &page.documents {
                tokens.push(object(&document.id, &decode(document)?));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return listing::page(TOKENS, &query, tokens);
            }
        }
    }
}

fn id(path: &ResourcePath) -> Result<&str, Problem> {
    match path.len() {
        1 => path.element(0).ok_or_else(|| Problem::not_found(path)),
        _ => Err(Problem::bad_request("name a token: internal/token/ID")),
    }
}

/// A token as it is shown: without its hash.
fn object(id: &str, record: &TokenRecord) -> Object {
    let TokenRecord {
        name,
        roles,
        created,
        expires,
        ..
    } = record;
    let content = json!({"name": name, "roles": roles, "created": created, "expires": expires});
    Object {
        id: id.to_owned(),
        rev: None,
        content: Content::Json(content),
    }
}
