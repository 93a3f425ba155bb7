//! Hooks: what they see, what they change, and that nothing of a refused request is left.

use serde_json::{Value, json};

use super::{merge, script, server, user};
use crate::harness::{Client, Server};

/// Every hook writes a line.
fn logging() -> Value {
    let line = |name: &str| {
        script(&format!(
            "openidm.create('managed/role', null, {{at: '{name}', name: (typeof object === 'undefined' ? oldObject : object).name}});"
        ))
    };
    let mut more = json!({});
    for name in [
        "onCreate",
        "postCreate",
        "onUpdate",
        "postUpdate",
        "onDelete",
        "postDelete",
        "onValidate",
        "onStore",
    ] {
        merge(&mut more, json!({ name: line(name) }));
    }
    let property = json!({
        "type": "string", "onValidate": script("openidm.create('managed/role', null, {at: 'property onValidate', name: property}); true"),
        "onStore": script("openidm.create('managed/role', null, {at: 'property onStore', name: property}); property"),
    });
    user(json!({"name": property, "n": {}}), more)
}

fn lines(client: &Client) -> Vec<String> {
    let mut roles = client.query("managed/role", "true");
    // Within one commit the ids say nothing of the order, so that what is checked is the set.
    roles.sort_by_key(|role| role["at"].to_string());
    roles
        .iter()
        .map(|role| role["at"].as_str().unwrap().to_owned())
        .collect()
}

fn forget(client: &Client) {
    for role in client.query("managed/role", "true") {
        client
            .delete(&format!("managed/role/{}", role["_id"].as_str().unwrap()))
            .expect(200);
    }
}

#[test]
fn each_verb_runs_its_hooks_and_what_changes_nothing_runs_none() {
    let server = server(&[logging()]);
    let client = &server.client;
    let made = client.put("managed/user/joe", &json!({"name": "joe"})).expect(201);
    let storing = ["onStore", "onValidate", "property onStore", "property onValidate"];
    let expected = |own: [&'static str; 2]| {
        let mut all: Vec<&str> = own.into_iter().chain(storing).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(lines(client), expected(["onCreate", "postCreate"]));
    forget(client);
    assert_eq!(
        client.put("managed/user/joe", &json!({"name": "joe"})).expect(200),
        made
    );
    assert_eq!(client.patch("managed/user/joe", &json!([])).expect(200), made);
    assert_eq!(client.get("managed/user/joe").expect(200), made);
    assert!(lines(client).is_empty());
    client.put("managed/user/joe", &json!({"name": "jim"})).expect(200);
    assert_eq!(lines(client), expected(["onUpdate", "postUpdate"]));
    forget(client);
    let patch = json!([{"operation": "add", "field": "/n", "value": 1}]);
    client.patch("managed/user/joe", &patch).expect(200);
    assert_eq!(lines(client), expected(["onUpdate", "postUpdate"]));
    forget(client);
    client.delete("managed/user/joe").expect(200);
    assert_eq!(lines(client), ["onDelete", "postDelete"]);
}

#[test]
fn a_hook_changes_the_object_before_it_is_judged_and_stored() {
    let types = user(
        json!({"first": {"type": "string"}, "full": {"type": "string"}, "was": {}, "seen": {}}),
        json!({
            "schema": {"required": ["full"]},
            "onCreate": script("object.full = object.first + ' Doe'; object.seen = [request.method, resourceName, context.caller.external, context.security.authenticationId, newObject.full === undefined];"),
            "onUpdate": script("object.was = oldObject.first; object.full = newObject.first + ' Doe';"),
        }),
    );
    let server = server(&[types]);
    let client = &server.client;
    let made = client.put("managed/user/joe", &json!({"first": "Joe"})).expect(201);
    assert_eq!(made["full"], "Joe Doe");
    assert_eq!(
        made["seen"],
        json!(["create", "managed/user/joe", true, "openidm-admin", true])
    );
    let updated = client.put("managed/user/joe", &json!({"first": "Jim"})).expect(200);
    assert_eq!((&updated["full"], &updated["was"]), (&json!("Jim Doe"), &json!("Joe")));
    assert_eq!(client.get("managed/user/joe").expect(200), updated);
}

#[test]
fn a_hook_may_choose_the_id_of_what_is_created_and_nothing_else() {
    let server = server(&[user(
        json!({"name": {"type": "string"}}),
        json!({
            "onCreate": script("if (object.name) object._id = 'user-' + object.name;"),
            "onUpdate": script("object._id = 'other';"),
        }),
    )]);
    let client = &server.client;
    let made = client
        .post("managed/user?_action=create", Some(&json!({"name": "joe"})))
        .expect(201);
    assert_eq!(made["_id"], "user-joe");
    client
        .post("managed/user?_action=create", Some(&json!({"name": "joe"})))
        .expect(412);
    let problem = client.put("managed/user/user-joe", &json!({"name": "jim"})).expect(400);
    assert!(
        problem["message"].as_str().unwrap().contains("an id cannot be changed"),
        "{problem}"
    );
    assert_eq!(client.query("managed/user", "true").len(), 1);
}

#[test]
fn what_a_hook_throws_is_the_answer_and_nothing_is_left() {
    let refusing = |moment: &str| {
        let source =
            "openidm.create('managed/role', null, {}); throw {code: 409, message: 'not now', detail: {why: 'x'}};";
        server(&[user(json!({"name": {}}), json!({ moment: script(source) }))])
    };
    let check = |moment: &str, act: &dyn Fn(&Client) -> (u16, Value)| {
        let server = refusing(moment);
        let client = &server.client;
        let (status, problem) = act(client);
        assert_eq!(
            (status, &problem["message"], &problem["detail"]["why"]),
            (409, &json!("not now"), &json!("x")),
            "{moment}"
        );
        assert!(client.query("managed/role", "true").is_empty(), "{moment}");
        client.query("managed/user", "true")
    };
    let put = |client: &Client| {
        let answer = client.put("managed/user/joe", &json!({"name": "a"}));
        (answer.status, answer.json())
    };
    for moment in ["onCreate", "onValidate", "onStore", "postCreate"] {
        assert!(check(moment, &put).is_empty(), "{moment}");
    }
    for moment in ["onUpdate", "postUpdate"] {
        let update = |client: &Client| {
            client.put("managed/user/joe", &json!({"name": "b"})).expect(201);
            put(client)
        };
        assert_eq!(check(moment, &update)[0]["name"], "b", "{moment}");
    }
    for moment in ["onDelete", "postDelete"] {
        let delete = |client: &Client| {
            client.put("managed/user/joe", &json!({"name": "b"})).expect(201);
            let answer = client.delete("managed/user/joe");
            (answer.status, answer.json())
        };
        assert_eq!(check(moment, &delete).len(), 1, "{moment}");
    }
}

/// What was written before a policy refuses the object is not kept either, nor is its reservation.
#[test]
fn a_refused_object_leaves_no_effect_of_its_hooks_and_no_reservation() {
    let server = server(&[user(
        json!({"name": {"type": "string", "unique": true}, "bad": {"type": "string", "maxLength": 1}}),
        json!({
            "onCreate": script("openidm.create('managed/role', 'trace', {});"),
            "postCreate": script("if (object.bad === 'x') throw {code: 400, message: 'late'};"),
        }),
    )]);
    let client = &server.client;
    client
        .put("managed/user/a", &json!({"name": "joe", "bad": "xx"}))
        .expect(403);
    client
        .put("managed/user/a", &json!({"name": "joe", "bad": "x"}))
        .expect(400);
    client.get("managed/role/trace").expect(404);
    client.put("managed/user/b", &json!({"name": "joe"})).expect(201);
    client.get("managed/role/trace").expect(200);
}

#[test]
fn a_guest_that_catches_a_refusal_goes_on_without_its_effects() {
    let server = server(&[user(
        json!({"name": {"type": "string"}}),
        json!({
            "onCreate": script("openidm.create('managed/role', 'from-' + object._id, {}); if (object.name === 'bad') throw {code: 400, message: 'bad'};"),
            "actions": {"both": script(
                "var seen = []; ['bad', 'good'].forEach(function (name) {
                     try { openidm.create('managed/user', name, {name: name}); seen.push(name); } catch (error) { seen.push(error.code); }
                 }); seen"
            )},
        }),
    )]);
    let client = &server.client;
    assert_eq!(
        client.post("managed/user?_action=both", None).expect(200),
        json!([400, "good"])
    );
    client.get("managed/user/bad").expect(404);
    client.get("managed/role/from-bad").expect(404);
    client.get("managed/role/from-good").expect(200);
}

#[test]
fn hooks_see_what_is_read_and_may_show_it_otherwise() {
    let server = server(&[user(
        json!({"n": {"type": "integer"}, "doubled": {}, "by": {}}),
        json!({
            "onRetrieve": script("object.doubled = 2 * object.n;"),
            "onRead": script("object.by = 'read';"),
            "onQueryResult": script("object.n !== 3"),
        }),
    )]);
    let client = &server.client;
    for n in 1..5 {
        client.put(&format!("managed/user/u{n}"), &json!({"n": n})).expect(201);
    }
    let read = client.get("managed/user/u2").expect(200);
    assert_eq!((&read["doubled"], &read["by"]), (&json!(4), &json!("read")));
    let found = client.query("managed/user", "true");
    let doubled: Vec<&Value> = found.iter().map(|user| &user["doubled"]).collect();
    assert_eq!(doubled, [&json!(2), &json!(4), &json!(8)]);
    assert_eq!(found[0].get("by"), None, "a query is no read");
    assert_eq!(
        client.query("managed/user", "doubled eq 4").len(),
        0,
        "it is not stored"
    );
}

#[test]
fn a_hook_that_reads_cannot_write() {
    let server = server(&[user(
        json!({"n": {}}),
        json!({"onRead": script("openidm.create('managed/role', 'x', {});")}),
    )]);
    let client = &server.client;
    client.put("managed/user/joe", &json!({"n": 1})).expect(201);
    let problem = client.get("managed/user/joe").expect(413);
    assert!(
        problem["message"].as_str().unwrap().contains("more than 0 documents"),
        "{problem}"
    );
    client.get("managed/role/x").expect(404);
}

#[test]
fn a_property_is_stored_as_its_hook_says() {
    let server = server(&[user(
        json!({"mail": {
            "type": "string",
            "onValidate": script("if (property.indexOf('@') < 0) throw {code: 400, message: propertyOf()}; function propertyOf() { return property + ' of ' + object._id; }"),
            "onStore": script("property.toLowerCase()"),
            "onRetrieve": script("'<' + property + '>'"),
        }}),
        json!({}),
    )]);
    let client = &server.client;
    let problem = client.put("managed/user/joe", &json!({"mail": "x"})).expect(400);
    assert_eq!(problem["message"], "x of joe");
    assert_eq!(
        client.put("managed/user/joe", &json!({"mail": "A@B"})).expect(201)["mail"],
        "<a@b>"
    );
    assert_eq!(client.query("managed/user", r#"mail eq "a@b""#).len(), 1);
}

#[test]
fn a_script_that_cannot_be_used_is_refused_at_the_start_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |types: Value| {
        Server::try_in_folder(folder.path(), &json!({"objects": types}))
            .err()
            .unwrap()
    };
    let check = |more: Value, words: &[&str]| {
        let refused = refused(json!([{"name": "role"}, user(json!({"n": {"onStore": script("1")}}), more)]));
        for word in words {
            assert!(refused.contains(word), "{refused}");
        }
    };
    check(
        json!({"onCreate": script("var x = 1;\n  var = 2;")}),
        &["managed.json", "/objects/1/onCreate/source", "line 2, column 7"],
    );
    check(
        json!({"actions": {"a b": script("(")}}),
        &["/objects/1/actions/a%20b/source"],
    );
    check(
        json!({"schema": {"properties": {"n": {"onStore": script(")")}}}}),
        &["/objects/1/schema/properties/n/onStore/source"],
    );
    check(
        json!({"onDelete": {"type": "text/javascript", "file": "script/gone.js"}}),
        &["/objects/1/onDelete/file", "gone.js"],
    );
}
