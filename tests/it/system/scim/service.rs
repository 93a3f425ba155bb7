//! A SCIM service for a test: it holds users and groups, checks who asks, filters and pages, and misbehaves on command.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::rules;

/// What a service is told before it starts.
#[derive(Clone)]
pub(super) struct Abilities {
    pub(super) patch: bool,
    pub(super) filter: bool,
    pub(super) etag: bool,
    pub(super) most: usize,
    /// Whether it says anything of itself.
    pub(super) is_described: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            patch: true,
            filter: true,
            etag: true,
            most: 50,
            is_described: true,
        }
    }
}

/// How it answers the next request for users or groups.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// With this status, these header lines and this body.
    Answer(u16, &'static str, String),
    /// With bytes that do not end.
    Endless,
    /// With the first half of an answer.
    Cut,
    /// Not at all, for as long as the test runs.
    Silence,
    /// As usual, but somebody else changes the object first.
    Overtaken,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Path and query, still encoded.
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) if_match: Option<String>,
    pub(super) body: Value,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) users: Vec<Value>,
    pub(super) groups: Vec<Value>,
    made: usize,
    /// Seconds since the service began: when the next change happens.
    pub(super) second: u32,
    pub(super) seen: Vec<Seen>,
    pub(super) troubles: VecDeque<Trouble>,
    /// Removed before the next page but one is given.
    pub(super) removed_later: Vec<String>,
    /// The tokens that are good now; the last number that was given out.
    pub(super) tokens: Vec<String>,
    /// What the token endpoint says in place of a token.
    pub(super) token_answer: Option<(u16, String, String)>,
    given: usize,
}

/// A running service. It goes on until the test ends.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) port: u16,
    pub(super) state: Arc<Mutex<State>>,
    abilities: Abilities,
}

pub(super) const USER: &str = "joe";
pub(super) const PASSWORD: &str = "correct horse battery staple";
pub(super) const TOKEN: &str = "fixed-token-0123456789";
pub(super) const CLIENT: &str = "the client";
pub(super) const SECRET: &str = "s3cret:of/the client";

/// What a connection is, plain or not.
pub(super) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Service {
    pub(super) fn start(abilities: Abilities) -> Self {
        Self::start_with("127.0.0.1:0", abilities, |stream| Box::new(stream))
    }

    /// A service at this address whose connections are wrapped, in TLS for instance.
    pub(super) fn start_with(
        address: &str,
        abilities: Abilities,
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
            abilities,
        };
        let (serving, wrap) = (service.clone(), Arc::new(wrap));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (service, wrap) = (serving.clone(), Arc::clone(&wrap));
                std::thread::spawn(move || drop(service.serve(wrap(stream))));
            }
        });
        service
    }

    /// Adds users `u001`, `u002`, ….
    pub(super) fn with_users(self, count: usize) -> Self {
        for number in 1..=count {
            let user = json!({"userName": format!("u{number:03}"), "active": number % 2 == 0, "level": number});
            self.state.lock().add(true, user);
        }
        self
    }

    /// Adds a user, and answers its id.
    pub(super) fn add_user(&self, user: Value) -> String {
        self.state.lock().add(true, user)
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        self.state.lock().troubles.push_back(trouble);
    }

    /// What came for users and groups since the last time.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = std::mem::take(&mut self.state.lock().seen);
        seen.into_iter().filter(|seen| is_data(&seen.path)).collect()
    }

    /// Method and path of each.
    pub(super) fn calls(&self) -> Vec<String> {
        let seen = self.seen();
        seen.iter()
            .map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }

    fn serve(&self, stream: Box<dyn Stream>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                head.push_str(&line);
            }
            let header = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.to_owned())
            };
            let length = header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            let mut first = head.split(' ');
            let seen = Seen {
                method: first.next().unwrap_or_default().to_owned(),
                path: first.next().unwrap_or_default().to_owned(),
                authorization: header("authorization"),
                if_match: header("if-match"),
                body: serde_json::from_slice(&body)
                    .unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()),
            };
            let (status, headers, answer) = match self.answer(seen) {
                Ok(answer) => answer,
                Err(trouble) => return misbehave(stream.get_mut(), &trouble),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n",
                answer.len()
            );
            stream.get_mut().write_all(head.as_bytes())?;
            stream.get_mut().write_all(answer.as_bytes())?;
            stream.get_mut().flush()?;
        }
    }

    fn answer(&self, seen: Seen) -> Result<(u16, String, String), Trouble> {
        let mut state = self.state.lock();
        state.seen.push(seen.clone());
        if seen.path == "/token" {
            return Ok(state.give_token(&seen));
        }
        if !state.lets_in(&seen) {
            let shown = seen.authorization.unwrap_or_default();
            return Ok((
                401,
                String::new(),
                json!({"detail": format!("not with {shown}")}).to_string(),
            ));
        }
        if is_data(&seen.path)
            && let Some(trouble) = state.troubles.pop_front()
        {
            match trouble {
                Trouble::Answer(status, headers, body) => return Ok((status, headers.to_owned(), body)),
                Trouble::Overtaken => {
                    for user in &mut state.users {
                        user["meta"]["version"] = json!("W/\"overtaken\"");
                    }
                }
                other => return Err(other),
            }
        }
        let (status, body) = state.handle(&seen, &self.abilities);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        Ok((status, "Content-Type: application/scim+json\r\n".to_owned(), body))
    }
}

fn is_data(path: &str) -> bool {
    path.contains("/Users") || path.contains("/Groups")
}

fn misbehave(stream: &mut dyn Stream, trouble: &Trouble) -> std::io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    match trouble {
        Trouble::Endless => {
            stream.write_all(head)?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            loop {
                stream.write_all(chunk.as_bytes())?;
            }
        }
        Trouble::Cut => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"totalResults\":")?;
            stream.flush()
        }
        // The connection stays open until the other side has enough.
        _ => stream.read(&mut [0; 1]).map(drop),
    }
}

impl State {
    fn add(&mut self, is_user: bool, mut resource: Value) -> String {
        self.made += 1;
        let id = format!("{}{:03}", if is_user { "id-" } else { "group-" }, self.made);
        resource["id"] = json!(id);
        self.touch(&mut resource);
        if is_user { &mut self.users } else { &mut self.groups }.push(resource);
        id
    }

    fn touch(&mut self, resource: &mut Value) {
        let stamp = format!(
            "2026-06-01T{:02}:{:02}:{:02}Z",
            self.second / 3600,
            self.second / 60 % 60,
            self.second % 60
        );
        let before = resource["meta"]["version"].as_str().map_or(0, |version| version.len());
        resource["meta"] = json!({"lastModified": stamp, "version": format!("W/\"{}\"", "v".repeat(before + 1))});
        self.second += 1;
    }

    fn give_token(&mut self, seen: &Seen) -> (u16, String, String) {
        if let Some(answer) = &self.token_answer {
            return answer.clone();
        }
        let form = seen.body.as_str().unwrap_or_default();
        // client_id and client_secret of a form, or both in a header.
        let basic = "Basic dGhlK2NsaWVudDpzM2NyZXQlM0FvZiUyRnRoZStjbGllbnQ=";
        let is_known = seen.authorization.as_deref() == Some(basic)
            || form.contains("client_id=the+client&client_secret=s3cret%3Aof%2Fthe+client");
        if !is_known || !form.contains("grant_type=client_credentials") {
            return (401, String::new(), json!({"error": "invalid_client"}).to_string());
        }
        self.given += 1;
        let token = format!("given-token-{}", self.given);
        self.tokens = vec![token.clone()];
        (
            200,
            String::new(),
            json!({"access_token": token, "expires_in": 600}).to_string(),
        )
    }

    fn lets_in(&self, seen: &Seen) -> bool {
        let basic = "Basic am9lOmNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";
        let given = seen.authorization.as_deref().unwrap_or_default();
        let is_token = |token: &str| given == format!("Bearer {token}");
        given == basic || is_token(TOKEN) || self.tokens.iter().any(|token| is_token(token))
    }

    fn handle(&mut self, seen: &Seen, abilities: &Abilities) -> (u16, Value) {
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let missing = || (404, json!({"detail": "not found"}));
        let Some(path) = path.strip_prefix("/scim/v2/") else {
            return missing();
        };
        match path {
            "ServiceProviderConfig" | "ResourceTypes" | "Schemas" if !abilities.is_described => return missing(),
            "ServiceProviderConfig" => return (200, rules::provider_config(abilities)),
            "ResourceTypes" => return (200, rules::resource_types()),
            "Schemas" => return (200, rules::schemas()),
            _ => {}
        }
        let (collection, id) = match path.split_once('/') {
            Some((collection, id)) => (collection, Some(decoded(id))),
            None => (path, None),
        };
        let is_user = match collection {
            "Users" => true,
            "Groups" => false,
            _ => return missing(),
        };
        match (seen.method.as_str(), id) {
            ("GET", None) => self.list(is_user, query, abilities),
            ("POST", None) => self.create(is_user, &seen.body),
            (_, None) => (405, Value::Null),
            (method, Some(id)) => {
                let all = if is_user { &self.users } else { &self.groups };
                let Some(at) = all.iter().position(|resource| resource["id"] == id.as_str()) else {
                    return missing();
                };
                self.one(is_user, at, method, seen, abilities)
            }
        }
    }

    fn one(&mut self, is_user: bool, at: usize, method: &str, seen: &Seen, abilities: &Abilities) -> (u16, Value) {
        let all = if is_user { &mut self.users } else { &mut self.groups };
        let mut resource = all[at].clone();
        if seen.if_match.is_some() && resource["meta"]["version"].as_str() != seen.if_match.as_deref() {
            return (412, json!({"detail": "another version"}));
        }
        match method {
            "GET" => return (200, shown(&resource)),
            "DELETE" => {
                all.remove(at);
                return (204, Value::Null);
            }
            "PUT" => {
                let (id, meta, password) = (
                    resource["id"].take(),
                    resource["meta"].take(),
                    resource["password"].take(),
                );
                resource = seen.body.clone();
                (resource["id"], resource["meta"]) = (id, meta);
                if resource.get("password").is_none() {
                    resource["password"] = password;
                }
            }
            "PATCH" if abilities.patch => {
                for operation in seen.body["Operations"].as_array().unwrap() {
                    if let Err(why) = rules::patch(&mut resource, operation) {
                        return (400, json!({"detail": why, "scimType": "invalidPath"}));
                    }
                }
            }
            _ => return (501, json!({"detail": "not implemented"})),
        }
        self.touch(&mut resource);
        let answer = shown(&resource);
        let all = if is_user { &mut self.users } else { &mut self.groups };
        all[at] = resource;
        (200, answer)
    }

    fn create(&mut self, is_user: bool, body: &Value) -> (u16, Value) {
        let key = if is_user { "userName" } else { "displayName" };
        let Some(name) = body[key].as_str() else {
            return (
                400,
                json!({"detail": format!("{key} is required, not with password {}", body["password"])}),
            );
        };
        let all = if is_user { &self.users } else { &self.groups };
        let same = |other: &Value| {
            other[key]
                .as_str()
                .is_some_and(|other| other.eq_ignore_ascii_case(name))
        };
        if all.iter().any(same) {
            return (409, json!({"detail": "it exists", "scimType": "uniqueness"}));
        }
        self.add(is_user, body.clone());
        let all = if is_user { &self.users } else { &self.groups };
        (201, shown(all.last().unwrap()))
    }

    fn list(&mut self, is_user: bool, query: &str, abilities: &Abilities) -> (u16, Value) {
        let parameters: Map<String, Value> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decoded(value).into()))
            .collect();
        let number = |name: &str, absent: usize| {
            let text = parameters.get(name).and_then(Value::as_str);
            text.map_or(absent, |text| text.parse().unwrap())
        };
        let (start, count) = (
            number("startIndex", 1).max(1),
            number("count", abilities.most).min(abilities.most),
        );
        if start > 1 {
            let removed = std::mem::take(&mut self.removed_later);
            self.users
                .retain(|user| !removed.iter().any(|id| user["id"] == id.as_str()));
        }
        let all = if is_user { &self.users } else { &self.groups };
        let mut found = Vec::new();
        for resource in all {
            match parameters.get("filter").and_then(Value::as_str) {
                None => found.push(shown(resource)),
                Some(_) if !abilities.filter => {
                    return (400, json!({"detail": "no filters", "scimType": "invalidFilter"}));
                }
                Some(filter) => match rules::matches(filter, resource) {
                    Ok(true) => found.push(shown(resource)),
                    Ok(false) => {}
                    Err(why) => return (400, json!({"detail": why, "scimType": "invalidFilter"})),
                },
            }
        }
        let total = found.len();
        let wanted: Vec<&str> = match parameters.get("attributes").and_then(Value::as_str) {
            Some(names) => names.split(',').collect(),
            None => Vec::new(),
        };
        let page = found.into_iter().skip(start - 1).take(count);
        let page: Vec<Value> = page.map(|resource| rules::projected(&resource, &wanted)).collect();
        (
            200,
            json!({"totalResults": total, "startIndex": start, "itemsPerPage": page.len(), "Resources": page}),
        )
    }
}

/// A password is never given out.
fn shown(resource: &Value) -> Value {
    let mut shown = resource.clone();
    shown.as_object_mut().unwrap().shift_remove("password");
    shown
}

pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
