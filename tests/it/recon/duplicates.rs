//! Source objects that look for the same target object: one goes first, the others are decided again on top of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{SOURCE, TARGET, configure, entries, fill, links, mapping, objects, recon, script, server, text};
use crate::harness::{Client, Server};

const BY_MAIL: &str = "({_queryFilter: 'mail eq \"' + source.mail + '\"'})";

/// A mapping whose target ids nobody chooses, with a correlation.
fn correlating(more: &Value) -> Value {
    let mut all = json!({
        "correlateEmptyTargetSet": true,
        "properties": [{"source": "name", "target": "name"}, {"source": "mail", "target": "mail"}],
        "correlationQuery": script(BY_MAIL),
    });
    let members = all.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    all
}

/// So many users, of whom so many in a row have the same mail.
fn users(count: usize, in_a_row: usize) -> Value {
    let user = |number: usize| {
        let mail = format!("m{:02}", number / in_a_row);
        (
            format!("u{number:02}"),
            json!({"name": format!("n{number:02}"), "mail": mail}),
        )
    };
    (0..count).map(user).collect::<Map<_, _>>().into()
}

fn mails(client: &Client, container: &str) -> Vec<String> {
    let mut mails: Vec<String> = client
        .query(container, "true")
        .iter()
        .map(|one| text(&one["mail"]))
        .collect();
    mails.sort();
    mails
}

fn counts(run: &Value) -> (&Value, &Value, &Value) {
    let situations = &run["situationSummary"];
    (
        &situations["ABSENT"],
        &situations["CONFIRMED"],
        &situations["FOUND_ALREADY_LINKED"],
    )
}

/// The first of each key, in the order of the source, gets the target object. The others find it taken.
fn check_first_wins(more: &Value) {
    let server = server(&correlating(more));
    let client = &server.client;
    fill(client, SOURCE, &users(40, 2));
    let run = recon(client, "&persistAssociations=true");
    assert_eq!(run["state"], "SUCCESS", "{run:#}");
    assert_eq!(counts(&run), (&json!(20), &json!(0), &json!(20)), "{run:#}");
    assert_eq!(run["progress"]["target"]["created"], 20);
    let keys: Vec<String> = (0..20).map(|key| format!("m{key:02}")).collect();
    assert_eq!(mails(client, TARGET), keys, "one for each key");
    let linked: Vec<String> = links(client)
        .as_array()
        .unwrap()
        .iter()
        .map(|link| text(&link[0]))
        .collect();
    let firsts: Vec<String> = (0..20).map(|key| format!("u{:02}", key * 2)).collect();
    assert_eq!(linked, firsts);
    // What the others found is on record.
    let second = entries(client, &run)
        .into_iter()
        .find(|entry| entry["sourceObjectId"] == "u01")
        .unwrap();
    assert_eq!(
        (&second["situation"], &second["action"], &second["status"]),
        (&json!("FOUND_ALREADY_LINKED"), &json!("EXCEPTION"), &json!("SUCCESS"))
    );
    assert_eq!(second["targetObjectId"], links(client)[0][1]);

    let before = (objects(client, TARGET), links(client));
    let run = recon(client, "");
    assert_eq!(counts(&run), (&json!(0), &json!(20), &json!(20)), "{run:#}");
    assert_eq!((objects(client, TARGET), links(client)), before);
}

#[test]
fn of_two_sources_with_one_key_the_first_gets_the_target() {
    check_first_wins(&json!({}));
}

#[test]
fn keys_need_not_be_written_alike() {
    let either = "({_queryFilter: 'name eq \"' + source.name + '\" or mail eq \"' + source.mail + '\"'})";
    check_first_wins(&json!({"correlationQuery": script(either)}));
}

#[test]
fn a_script_that_looks_for_itself_looks_again() {
    let looks = "openidm.query('managed/role', {_queryFilter: 'mail eq \"' + source.mail + '\"'}).result";
    check_first_wins(&json!({"correlationQuery": null, "correlationScript": script(looks)}));
}

#[test]
fn the_second_is_decided_again_against_the_new_target() {
    let server = server(&correlating(&json!({"enableLinking": false})));
    let client = &server.client;
    fill(client, SOURCE, &users(4, 4));
    let run = recon(client, "");
    let situations = &run["situationSummary"];
    assert_eq!(
        (&situations["ABSENT"], &situations["FOUND"]),
        (&json!(1), &json!(3)),
        "{run:#}"
    );
    let roles = client.query(TARGET, "true");
    assert_eq!(
        (roles.len(), &roles[0]["name"]),
        (1, &json!("n03")),
        "the last one was the last to update it"
    );
}

/// An analysis looks at each object by itself; applied, it makes what it planned as long as that is still so.
#[test]
fn a_plan_makes_the_first_and_leaves_the_second_alone() {
    let server = server(&correlating(&json!({})));
    let client = &server.client;
    fill(client, SOURCE, &users(2, 2));
    let analysed = recon(client, "&analyze=true");
    assert_eq!(analysed["situationSummary"]["ABSENT"], 2);
    let path = format!("recon/{}?_action=apply&waitForCompletion=true", text(&analysed["_id"]));
    let applied = client.post(&path, None).expect(200);
    let applied = client.get(&format!("recon/{}", text(&applied["_id"]))).expect(200);
    assert_eq!(
        applied["statusSummary"],
        json!({"SUCCESS": 1, "FAILURE": 1}),
        "{applied:#}"
    );
    assert_eq!(mails(client, TARGET), ["m00"]);
    let refused: Vec<Value> = entries(client, &applied)
        .into_iter()
        .filter(|entry| entry["status"] == "FAILURE")
        .collect();
    let message = text(&refused[0]["message"]);
    assert_eq!(
        message,
        "the target object was changed after the analysis: nothing was done"
    );
}

/// Where writes are sent at once, whoever comes second sends nothing before it has looked again.
#[test]
fn a_target_that_is_sent_to_gets_one_object_for_each_key() {
    let system = json!({
        "connectorRef": {"connectorName": "org.forgerock.openicf.csvfile.CSVFileConnector"},
        "configurationProperties": {"csvFile": "accounts.csv", "headerUid": "uid"},
        "objectTypes": {"account": {"id": "__ACCOUNT__", "nativeType": "__ACCOUNT__", "type": "object", "properties": {
            "uid": {"type": "string", "nativeName": "uid", "nativeType": "string", "required": true},
            "name": {"type": "string", "nativeName": "name", "nativeType": "string"},
            "mail": {"type": "string", "nativeName": "mail", "nativeType": "string"},
        }}},
    });
    let server = Server::with_files(&[
        ("accounts.csv", b"uid,name,mail\nold,,m00\n"),
        ("provisioner.openicf-out.json", system.to_string().as_bytes()),
    ]);
    let client = &server.client;
    let target = "system/out/account";
    let more = correlating(&json!({
        "target": target,
        "properties": [
            {"source": "_id", "target": "uid", "condition": "!(/target/uid pr)"},
            {"source": "name", "target": "name"},
            {"source": "mail", "target": "mail"},
        ],
    }));
    configure(client, &[mapping(&more)]);
    // Four look for the account that is there, and four for each of five that are not.
    fill(client, SOURCE, &users(24, 4));
    let run = recon(client, "");
    assert_eq!(run["state"], "SUCCESS", "{run:#}");
    assert_eq!(run["statusSummary"]["FAILURE"], 0, "{run:#}");
    assert_eq!(run["situationSummary"]["FOUND"], 1);
    assert_eq!(counts(&run), (&json!(5), &json!(0), &json!(18)), "{run:#}");
    let keys: Vec<String> = (0..6).map(|key| format!("m{key:02}")).collect();
    assert_eq!(mails(client, target), keys);
    // Each account is what the one that got it made of it: nobody else sent anything.
    let users: BTreeMap<String, Value> = client
        .query(SOURCE, "true")
        .into_iter()
        .map(|user| (text(&user["_id"]), user["name"].clone()))
        .collect();
    let linked = links(client);
    let owners: BTreeMap<String, String> = linked
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (text(&link[1]), text(&link[0])))
        .collect();
    assert_eq!(owners.len(), 6);
    assert_eq!(owners.values().collect::<BTreeSet<_>>().len(), 6);
    let accounts = client.query(target, "true");
    for account in &accounts {
        let owner = &owners[&text(&account["_id"])];
        assert_eq!(account["name"], users[owner], "{account}");
    }
    let run = recon(client, "");
    assert_eq!(counts(&run), (&json!(0), &json!(6), &json!(18)), "{run:#}");
    assert_eq!(run["progress"]["target"]["unchanged"], 6, "{run:#}");
    assert_eq!((client.query(target, "true"), links(client)), (accounts, linked));
}
