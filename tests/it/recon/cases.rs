//! The cases of `tests/recon`: what is there before, what the mapping says, and what is there behind a run. The README of
//! that folder says how they are written; the files say what behaviour 5.3 and 5.5 say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use host_model::situation::Situation;
use serde_json::{Value, json};

use super::{SOURCE, TARGET, clear, configure, entries, fill, link, links, mapping, objects, recon, text};
use crate::harness::{Client, Server};

/// Each situation is tried with all of them.
const ACTIONS: [&str; 10] = [
    "CREATE",
    "UPDATE",
    "LINK",
    "DELETE",
    "UNLINK",
    "EXCEPTION",
    "REPORT",
    "NOREPORT",
    "IGNORE",
    "ASYNC",
];

/// Files that are worked on at a time.
const AT_A_TIME: usize = 2;

/// Members that a file may have: a word that is misspelt must not be a case that says nothing.
const KNOWN: [&str; 10] = [
    "about",
    "situation",
    "deleted",
    "source",
    "target",
    "links",
    "mapping",
    "actions",
    "plan",
    "then",
];

/// One file.
struct Case {
    name: String,
    content: Value,
}

impl Case {
    fn read(file: &Path) -> Self {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read_to_string(file).unwrap();
        let content: Value = serde_json::from_str(&content).unwrap_or_else(|error| panic!("{name}: {error}"));
        only(&name, &content, &KNOWN);
        Self { name, content }
    }

    fn set_up(&self, client: &Client) {
        clear(client);
        fill(client, SOURCE, &self.content["source"]);
        fill(client, TARGET, &self.content["target"]);
        for pair in self.content["links"].as_array().unwrap() {
            link(client, pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        }
    }

    fn check(&self) {
        let server = Server::start();
        let client = &server.client;
        let Some(actions) = self.content["actions"].as_object() else {
            return self.check_run(client);
        };
        let tried: BTreeSet<&str> = actions.keys().map(String::as_str).collect();
        assert_eq!(tried, BTreeSet::from(ACTIONS), "{}: the actions", self.name);
        for (action, expected) in actions {
            let name = format!("{} {action}", self.name);
            only(&name, expected, &["target", "links", "fails", "says", "entry"]);
            match self.content["deleted"].as_str() {
                None => self.check_action(client, action, expected),
                Some(id) => self.check_deleted(client, action, expected, id),
            }
        }
    }

    /// What is there behind a run: what is not said is as it was.
    fn after(&self, expected: &Value) -> Value {
        let after = |side: &str| expected.get(side).unwrap_or(&self.content[side]).clone();
        json!({"source": self.content["source"], "target": after("target"), "links": after("links")})
    }

    /// One object in a situation, with one action.
    fn check_action(&self, client: &Client, action: &str, expected: &Value) {
        let situation = &self.content["situation"];
        let mut more = self.content["mapping"].clone();
        more["policies"] = json!([{"situation": situation, "action": action}]);
        configure(client, &[mapping(&more)]);
        self.set_up(client);
        let (analysed, run) = both(client, &self.name, &self.after(expected));
        let what = format!("{} {action}: {run:#}", self.name);
        for run in [&analysed, &run] {
            assert_eq!(counted(run), [(text(situation), 1)].into(), "{what}");
        }
        let (planned, done) = (entries(client, &analysed), entries(client, &run));
        if expected["entry"] == false {
            assert!(done.is_empty(), "{what}");
            return;
        }
        assert_eq!((planned.len(), done.len()), (1, 1), "{what}");
        let words = text(expected.get("fails").or(expected.get("says")).unwrap_or(&Value::Null));
        let has_failed = expected.get("fails").is_some();
        let status = if has_failed { "FAILURE" } else { "SUCCESS" };
        for entry in [&planned[0], &done[0]] {
            assert_eq!(
                (&entry["situation"], &entry["action"], &entry["status"]),
                (situation, &json!(action), &json!(status)),
                "{what} {entry}"
            );
            let message = text(&entry["message"]);
            assert!(message.contains(&words), "{what}: {message}");
            assert_eq!(message.is_empty(), words.is_empty(), "{what}: {message}");
        }
        let failures = u64::from(has_failed);
        let statuses = json!({"SUCCESS": 1 - failures, "FAILURE": failures});
        assert_eq!(run["statusSummary"], statuses, "{what}");
    }

    /// The same for a source object that was deleted, of which nobody knows what it was: no run meets one.
    fn check_deleted(&self, client: &Client, action: &str, expected: &Value, id: &str) {
        let situation = &self.content["situation"];
        let policies = json!([{"situation": situation, "action": action}]);
        let of = |is_synced: bool| mapping(&json!({"enableSync": is_synced, "policies": policies}));
        configure(client, &[of(false)]);
        self.set_up(client);
        configure(client, &[of(true)]);
        let path = format!("sync?_action=notifyDelete&resourceContainer={SOURCE}&resourceId={id}");
        let results = client.post(&path, Some(&json!({}))).expect(200);
        let what = format!("{} {action}: {results:#}", self.name);
        assert_eq!(results.as_array().unwrap().len(), 1, "{what}");
        let result = &results[0];
        assert_eq!(result["mapping"], "users_roles", "{what}");
        match expected["fails"].as_str() {
            None => {
                assert_eq!(result["result"], "SUCCESSFUL", "{what}");
                let details = &result["details"][0];
                assert_eq!(
                    (&details["situation"], &details["action"]),
                    (situation, &json!(action)),
                    "{what}"
                );
            }
            Some(words) => {
                assert_eq!(result["result"], "FAILED", "{what}");
                assert!(text(&result["cause"]["message"]).contains(words), "{what}");
            }
        }
        assert_eq!(state(client), self.after(expected), "{what}");
    }

    /// A run over several objects.
    fn check_run(&self, client: &Client) {
        configure(client, &[mapping(&self.content["mapping"])]);
        self.set_up(client);
        let (analysed, run) = both(client, &self.name, &self.after(&self.content["then"]));
        let plan = self.content["plan"].as_array().unwrap();
        let mut situations = BTreeMap::new();
        for planned in plan {
            *situations.entry(text(&planned["situation"])).or_insert(0) += 1;
        }
        assert_eq!(counted(&analysed), situations, "{}: the analysis", self.name);
        assert_eq!(counted(&run), situations, "{}: the run", self.name);
        let mut found: Vec<Value> = entries(client, &analysed).iter().map(shown).collect();
        let by_ids = |one: &Value| (one["source"].is_null(), text(&one["source"]), text(&one["target"]));
        found.sort_by_key(by_ids);
        assert_eq!(found, *plan, "{}: the plan", self.name);
        // What is done is done.
        let second = recon(client, "");
        let after = self.after(&self.content["then"]);
        assert_eq!(state(client), after, "{}: a second run: {second:#}", self.name);
    }
}

/// An entry of an analysis as a case writes it.
fn shown(entry: &Value) -> Value {
    json!({
        "source": entry["sourceObjectId"],
        "target": entry["targetObjectId"],
        "situation": entry["situation"],
        "action": entry["action"],
        "change": entry["targetChange"],
    })
}

/// An analysis, which changes nothing, and a run, which does what is expected.
fn both(client: &Client, name: &str, after: &Value) -> (Value, Value) {
    let before = state(client);
    let analysed = recon(client, "&analyze=true");
    assert_eq!(state(client), before, "{name}: an analysis changed something");
    let run = recon(client, "&persistAssociations=true");
    assert_eq!(run["state"], "SUCCESS", "{name}: {run:#}");
    assert_eq!(state(client), *after, "{name}: {run:#}");
    (analysed, run)
}

/// The situations that a run met.
fn counted(run: &Value) -> BTreeMap<String, u64> {
    let summary = run["situationSummary"].as_object().unwrap();
    let counts = summary
        .iter()
        .map(|(name, count)| (name.clone(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn state(client: &Client) -> Value {
    json!({"source": objects(client, SOURCE), "target": objects(client, TARGET), "links": links(client)})
}

#[track_caller]
fn only(what: &str, object: &Value, known: &[&str]) {
    for name in object.as_object().unwrap().keys() {
        assert!(
            known.contains(&name.as_str()),
            "{what}: '{name}' says nothing to the test"
        );
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recon");
    let all = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = all
        .filter(|file| file.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_case_is_as_its_file_says() {
    let cases: Vec<Case> = files().iter().map(|file| Case::read(file)).collect();
    let tried: BTreeSet<String> = cases
        .iter()
        .filter(|case| case.content["actions"].is_object())
        .map(|case| text(&case.content["situation"]))
        .collect();
    let all = Situation::ALL.map(|situation| situation.name().to_owned());
    assert_eq!(tried, all.into(), "each situation has a file with every action");
    let waiting = std::sync::Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().unwrap().next() else {
                        return;
                    };
                    case.check();
                }
            });
        }
    });
}
