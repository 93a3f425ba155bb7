//! Many objects at once: export and import as lines of JSON.

use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, Server};

fn import(server: &Server, query: &str, lines: &str) -> Answer {
    let headers = [
        ("X-OpenIDM-Username", "openidm-admin"),
        ("X-OpenIDM-Password", PASSWORD),
        ("Content-Type", "application/x-ndjson"),
    ];
    let path = format!("/openidm/managed/{query}");
    server.client.send("POST", &path, &headers, Some(lines.as_bytes()))
}

fn export(server: &Server, query: &str) -> String {
    let answer = server.client.post(&format!("managed/{query}"), None);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson")),
        "{}",
        answer.text
    );
    answer.text
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|number| {
            json!({"_id": format!("{number:05}"), "userName": format!("u{number}"), "n": number}).to_string() + "\n"
        })
        .collect()
}

/// The lines without their revisions, which are the server's.
fn objects(lines: &str) -> Vec<Value> {
    let object = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap();
        object.as_object_mut().unwrap().shift_remove("_rev");
        object
    };
    lines.lines().map(object).collect()
}

#[test]
fn what_one_server_exports_another_imports() {
    let (one, other) = (Server::start(), Server::start());
    // Several batches of an import, several pages of an export.
    let report = import(&one, "user?_action=import", &lines(1203)).expect(200);
    let expected = json!({
        "lines": 1203, "created": 1203, "updated": 0, "skipped": 0, "failed": 0, "errors": [], "errorsOmitted": 0,
    });
    assert_eq!(report, expected);
    assert_eq!(one.client.query("managed/user", "userName eq \"u700\"").len(), 1);

    let exported = export(&one, "user?_action=export");
    assert_eq!(objects(&exported), objects(&lines(1203)));
    import(&other, "user?_action=import", &exported).expect(200);
    assert_eq!(objects(&export(&other, "user?_action=export")), objects(&exported));
}

#[test]
fn an_export_shows_what_the_filter_and_the_fields_say() {
    let server = Server::start();
    import(&server, "user?_action=import", &lines(20)).expect(200);
    let exported = export(&server, "user?_action=export&_queryFilter=n+ge+18&_fields=n");
    assert_eq!(
        objects(&exported),
        [json!({"_id": "00018", "n": 18}), json!({"_id": "00019", "n": 19})]
    );
    assert_eq!(export(&server, "role?_action=export"), "");
    for (query, status) in [
        ("user?_action=export&_queryFilter=n+ge", 400),
        ("user?_action=export&_pageSize=5", 400),
        ("user?_action=export&_queryFilter=true&_queryFilter=true", 400),
        ("nothing?_action=export", 404),
    ] {
        assert_eq!(
            server.client.post(&format!("managed/{query}"), None).status,
            status,
            "{query}"
        );
    }
    assert_eq!(
        server
            .client
            .post("managed/user?_action=export", Some(&json!({})))
            .status,
        400
    );
}

#[test]
fn each_line_that_is_refused_is_named_and_the_others_are_taken() {
    let server = Server::start();
    server.client.put("managed/user/a", &json!({"n": 0})).expect(201);
    let text = "{\"_id\": \"a\", \"n\": 1}\n\
                {\"_id\": \"b\", \"n\": 1,}\n\
                \n\
                {\"_id\": \"c\", \"x\": {\"n\": 1, \"n\": 2}}\n\
                [1]\n\
                {\"_id\": 5}\n\
                {\"_id\": \"d\", \"n\": 1}\r\n\
                {\"n\": 1}";
    let report = import(&server, "user?_action=import", text).expect(200);
    assert_eq!(
        (&report["lines"], &report["created"], &report["failed"]),
        (&json!(8), &json!(2), &json!(5))
    );
    let errors: Vec<_> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].clone(), error["code"].clone()))
        .collect();
    assert_eq!(
        errors,
        [(1, 412), (2, 400), (4, 400), (5, 400), (6, 400)].map(|(line, code)| (json!(line), json!(code)))
    );
    assert_eq!(report["errors"][1]["column"], 20, "{report}");
    assert_eq!(
        (&report["errors"][2]["pointer"], &report["errors"][4]["pointer"]),
        (&json!("/x/n"), &json!("/_id"))
    );
    assert_eq!(server.client.get("managed/user/a").expect(200)["n"], 0);
    assert_eq!(server.client.query("managed/user", "true").len(), 3);
}

#[test]
fn what_exists_is_skipped_or_updated_if_that_is_wanted() {
    let server = Server::start();
    import(&server, "user?_action=import", &lines(3)).expect(200);
    let text = lines(4).replace("\"n\":1", "\"n\":100");
    let report = import(&server, "user?_action=import&ifExists=skip", &text).expect(200);
    assert_eq!((&report["created"], &report["skipped"]), (&json!(1), &json!(3)));
    assert_eq!(server.client.get("managed/user/00001").expect(200)["n"], 1);
    let report = import(&server, "user?_action=import&ifExists=update", &text).expect(200);
    assert_eq!((&report["updated"], &report["failed"]), (&json!(4), &json!(0)));
    assert_eq!(server.client.get("managed/user/00001").expect(200)["n"], 100);
}

#[test]
fn an_import_that_ended_early_says_where_to_go_on() {
    let server = Server::with_files(&[("taskwarden.toml", b"[rest]\nbody-bytes = 1000\n")]);
    // The import as a whole may be longer than a body may be, but no line of it.
    let long = json!({"_id": "long", "text": "x".repeat(1000)}).to_string();
    let text = lines(600) + &long + "\n{\"_id\": \"last\"}\n";
    let refused = import(&server, "user?_action=import", &text).expect(413);
    assert_eq!(
        (&refused["detail"]["nextLine"], &refused["detail"]["line"]),
        (&json!(501), &json!(601)),
        "{refused}"
    );
    assert_eq!(refused["detail"]["taken"]["created"], 500);
    assert_eq!(server.client.query("managed/user", "true").len(), 500);

    let mended = lines(600) + "{\"_id\": \"short\"}\n{\"_id\": \"last\"}\n";
    let report = import(&server, "user?_action=import&fromLine=501", &mended).expect(200);
    assert_eq!(
        (&report["lines"], &report["created"], &report["failed"]),
        (&json!(602), &json!(102), &json!(0))
    );
    assert_eq!(server.client.query("managed/user", "true").len(), 602);
}

#[test]
fn an_import_that_is_wrong_as_a_whole_takes_nothing() {
    let server = Server::start();
    let check = |query: &str, status: u16| {
        let answer = import(&server, query, &lines(2));
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        assert_eq!(server.client.query("managed/user", "true").len(), 0, "{query}");
    };
    check("nothing?_action=import", 404);
    check("user/x?_action=import", 400);
    check("user?_action=import&ifExists=perhaps", 400);
    check("user?_action=import&ifexist=skip", 400);
    check("user?_action=import&fromLine=0", 400);
    check("user?_action=import&fromLine=one", 400);
    check("user?_action=import&fromLine=1&fromLine=1", 400);
    check("user?_action=create", 400);
    let json = server
        .client
        .post("managed/user?_action=import", Some(&json!({"n": 1})));
    assert!(
        json.status == 400 && json.text.contains("application/x-ndjson"),
        "{}",
        json.text
    );
}
