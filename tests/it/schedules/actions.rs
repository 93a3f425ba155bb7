//! What can be done with a schedule, and what cannot.

use serde_json::{Value, json};

use super::{advance_seconds, at, runs, server, testlog};
use crate::harness::{Answer, Client};

const EVERY_SECOND: &str = "* * * * * ?";

#[track_caller]
fn refuse(answer: Answer, status: u16, message: &str) {
    let problem = answer.expect(status);
    assert!(problem["message"].as_str().unwrap().contains(message), "{problem}");
}

fn act(client: &Client, path: &str) -> Answer {
    client.post(path, None)
}

#[test]
fn an_expression_is_valid_or_not() {
    let server = server();
    let check = |expression: Value, valid: bool| {
        let body = json!({"cronExpression": expression});
        for path in ["scheduler/job", "scheduler"] {
            let answer = server
                .client
                .post(&format!("{path}?_action=validateQuartzCronExpression"), Some(&body));
            assert_eq!(answer.expect(200), json!({"valid": valid}), "{body}");
        }
    };
    check(json!("0 0/1 * * * ?"), true);
    check(json!("0 15 10 L-2 * ? 2030"), true);
    check(json!("0 0 0 ? * FRI-MON"), true);
    check(json!("0 0/1 * * * *"), false);
    check(json!("0 0/1 * * *"), false);
    check(json!("61 * * * * ?"), false);
    check(json!(""), false);
    check(Value::Null, false);
    let bare = act(&server.client, "scheduler/job?_action=validateQuartzCronExpression");
    assert_eq!(bare.expect(200), json!({"valid": false}));
}

#[test]
fn a_schedule_that_is_stored_again_begins_anew() {
    let server = server();
    let job = testlog(json!({"schedule": EVERY_SECOND, "persisted": true}));
    let created = server.client.put("scheduler/job/again", &job);
    assert_eq!(created.header("Location"), Some("/openidm/scheduler/job/again"));
    assert_eq!(created.header("ETag"), None);
    created.expect(201);
    server.settle();
    advance_seconds(&server, 2);
    let before = server.client.get("scheduler/job/again").expect(200);
    assert_eq!(before["previousRunDate"], at(2));
    server.advance(chrono::Duration::milliseconds(500));
    let replaced = server.client.put("scheduler/job/again", &job).expect(200);
    assert_eq!(replaced["previousRunDate"], Value::Null);
    // A cron schedule begins with the second that it is stored in.
    assert_eq!(replaced["nextRunDate"], at(2));
    assert_eq!(
        replaced.pointer("/triggers/0/serialized/startTime").unwrap(),
        1_780_315_202_000_i64
    );
    server.settle();
    assert_eq!(runs(&server.client), [0.0, 1.0, 2.0, 2.5]);
}

#[test]
fn conditions_decide_between_creating_and_replacing() {
    let server = server();
    let job = testlog(json!({"schedule": "0 0 * * * ?"}));
    let put = |condition: (&str, &str)| {
        server
            .client
            .request("PUT", "scheduler/job/one", &[condition], Some(&job))
    };
    put(("If-Match", "*")).expect(404);
    put(("If-None-Match", "*")).expect(201);
    refuse(put(("If-None-Match", "*")), 412, "Schedule already exists");
    put(("If-Match", "*")).expect(200);
    refuse(put(("If-Match", "7")), 412, "no revision");
}

#[test]
fn a_disabled_schedule_does_nothing_until_it_is_enabled_again() {
    let server = server();
    let client = &server.client;
    let disabled = testlog(json!({"enabled": false, "schedule": EVERY_SECOND, "persisted": true}));
    let stored = client.put("scheduler/job/asleep", &disabled).expect(201);
    assert_eq!(
        (&stored["triggers"], &stored["nextRunDate"]),
        (&json!([]), &Value::Null)
    );
    advance_seconds(&server, 2);
    for action in ["trigger", "pause", "resume"] {
        refuse(
            act(client, &format!("scheduler/job/asleep?_action={action}")),
            400,
            "is disabled",
        );
    }
    refuse(
        client.get("scheduler/trigger/scheduler-service-group.trigger-asleep"),
        404,
        "does not exist",
    );
    assert!(runs(client).is_empty());
    let enabled = testlog(json!({"enabled": true, "schedule": EVERY_SECOND, "persisted": true}));
    let stored = client.put("scheduler/job/asleep", &enabled).expect(200);
    assert_eq!(stored["nextRunDate"], at(2));
    server.settle();
    assert_eq!(runs(client), [2.0]);
}

#[test]
fn what_is_not_there_is_not_found() {
    let server = server();
    let client = &server.client;
    let unknown = "Schedule does not exist";
    refuse(client.get("scheduler/job/nothing"), 404, unknown);
    refuse(client.delete("scheduler/job/nothing"), 404, unknown);
    refuse(
        client.get("scheduler/trigger/scheduler-service-group.trigger-nothing"),
        404,
        unknown,
    );
    for action in ["trigger", "pause", "resume"] {
        refuse(
            act(client, &format!("scheduler/job/nothing?_action={action}")),
            404,
            unknown,
        );
    }
    refuse(client.get("scheduler"), 404, "Resource &#39;scheduler&#39; not found");
    refuse(client.get("scheduler/calendar"), 404, "not found");
    refuse(client.get("scheduler/job/a/b"), 404, "not found");
}

#[test]
fn unknown_actions_and_verbs_are_refused() {
    let server = server();
    let client = &server.client;
    client
        .put("scheduler/job/one", &testlog(json!({"schedule": "0 0 * * * ?"})))
        .expect(201);
    refuse(
        act(client, "scheduler/job?_action=pauseJob"),
        400,
        "Unknown action given: pauseJob",
    );
    refuse(
        act(client, "scheduler/job/one?_action=stop"),
        400,
        "Unknown action given: stop",
    );
    let patch = json!([{"operation": "replace", "field": "/enabled", "value": false}]);
    refuse(client.patch("scheduler/job/one", &patch), 501, "cannot be patched");
    let trigger = "scheduler/trigger/scheduler-service-group.trigger-one";
    client.patch(trigger, &patch).expect(501);
    client.put(trigger, &json!({})).expect(501);
    client.delete(trigger).expect(501);
    client
        .post("scheduler/trigger?_action=create", Some(&json!({})))
        .expect(501);
    assert_eq!(client.get("scheduler/job/one").expect(200)["enabled"], true);
}

#[test]
fn the_first_version_of_the_interface_has_no_actions_on_one_schedule() {
    let server = server();
    let client = &server.client;
    client
        .put("scheduler/job/one", &testlog(json!({"schedule": "0 0 * * * ?"})))
        .expect(201);
    let with = |version: &str, method: &str, path: &str| {
        client.request(method, path, &[("Accept-API-Version", version)], None)
    };
    for action in ["trigger", "pause", "resume"] {
        let path = format!("scheduler/job/one?_action={action}");
        refuse(
            with("resource=1.0", "POST", &path),
            400,
            &format!("Unknown action given: {action}"),
        );
        with("protocol=2.1,resource=2.0", "POST", &path).expect(200);
    }
    with("resource=1.0", "GET", "scheduler/job/one").expect(200);
    with("resource=1.0", "POST", "scheduler/job?_action=pauseJobs").expect(200);
    refuse(with("resource=3.0", "GET", "scheduler/job/one"), 404, "3.0");
    refuse(with("resource=two", "GET", "scheduler/job/one"), 400, "resource=two");
}

#[test]
fn a_script_prints_with_the_words_of_the_platform() {
    let server = server();
    // The script of the document, to the letter; and the same with a trace that can be read afterwards.
    let source = "java.lang.System.out.println('Job executing on ' + identityServer.getProperty('openidm.node.id') + ' at: ' + java.lang.System.currentTimeMillis());";
    let job = |source: String| {
        json!({
            "enabled" : true,
            "type": "simple",
            "repeatInterval": 3_600_000,
            "persisted" : true,
            "concurrentExecution" : false,
            "invokeService": "script",
            "invokeContext": {"script" : {"type" : "text/javascript", "source" : source}}
        })
    };
    server
        .client
        .put("scheduler/job/script", &job(source.to_owned()))
        .expect(201);
    let traced = format!(
        "{source} openidm.create('managed/role', 'trace', {{node: identityServer.getProperty('openidm.node.id'), at: java.lang.System.currentTimeMillis()}});"
    );
    server.client.put("scheduler/job/traced", &job(traced)).expect(201);
    server.settle();
    let job = server.client.get("scheduler/job/script").expect(200);
    assert_eq!(
        (&job["previousRunDate"], &job["nextRunDate"]),
        (&json!(at(0)), &json!(at(3600)))
    );
    let trace = server.client.get("managed/role/trace").expect(200);
    assert_eq!(
        (&trace["node"], &trace["at"]),
        (&json!("node1"), &json!(1_780_315_200_000_i64))
    );
}

#[test]
fn a_script_gets_its_input_and_a_failure_undoes_what_it_did() {
    let server = server();
    let job = |source: &str| {
        json!({
            "type": "simple", "repeatInterval": 1000, "invokeService": "script",
            "invokeContext": {"script": {"type": "text/javascript", "source": source}, "input": {"name": "x", "n": [1, 2]}},
        })
    };
    let good = "openidm.create('managed/role', input.name, {n: object.n});";
    let bad = "openidm.create('managed/role', 'half', {}); throw {code: 400, message: 'no'};";
    server.client.put("scheduler/job/good", &job(good)).expect(201);
    server.client.put("scheduler/job/bad", &job(bad)).expect(201);
    server.settle();
    assert_eq!(server.client.get("managed/role/x").expect(200)["n"], json!([1, 2]));
    server.client.get("managed/role/half").expect(404);
    // A failure stops neither schedule: the next run is on time.
    server.advance(chrono::Duration::seconds(1));
    for name in ["good", "bad"] {
        let job = server.client.get(&format!("scheduler/job/{name}")).expect(200);
        assert_eq!(
            (&job["previousRunDate"], &job["nextRunDate"]),
            (&json!(at(1)), &json!(at(2))),
            "{name}"
        );
    }
}

#[test]
fn clients_that_change_the_same_schedule_leave_a_whole_one() {
    let server = server();
    let kinds = [
        json!({"schedule": "0 0 0 * * ?"}),
        json!({"type": "simple", "repeatInterval": 5, "startTime": "2030-01-01T00:00:00Z", "persisted": true}),
    ];
    std::thread::scope(|scope| {
        for (number, kind) in kinds.iter().enumerate() {
            let client = Client::new(server.client.base.clone());
            scope.spawn(move || {
                for call in 0..40 {
                    let answer = match call % 4 {
                        3 if number == 0 => client.delete("scheduler/job/shared"),
                        2 => act(&client, "scheduler/job/shared?_action=pause"),
                        _ => client.put("scheduler/job/shared", &testlog(kind.clone())),
                    };
                    assert!(matches!(answer.status, 200 | 201 | 404 | 409), "{}", answer.text);
                }
            });
        }
    });
    let last = server.client.put("scheduler/job/shared", &testlog(kinds[0].clone()));
    assert!(matches!(last.status, 200 | 201), "{}", last.text);
    let jobs = server.client.query("scheduler/job", "true");
    assert_eq!(
        (jobs.len(), &jobs[0]["type"], &jobs[0]["triggers"][0]["state"]),
        (1, &json!("cron"), &json!("NORMAL"))
    );
    assert_eq!(server.client.query("scheduler/trigger", "true").len(), 1);
}
