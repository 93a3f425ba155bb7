//! liveSync over REST and from a schedule, where nothing takes the changes yet.

use serde_json::json;

use super::with_people;

#[test]
fn a_source_has_to_be_one() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    let post = |query: &str| client.post(&format!("system?_action=liveSync{query}"), None);
    assert_eq!(post("").expect(400)["detail"]["parameter"], "source");
    assert_eq!(
        post("&source=managed/user").expect(400)["detail"]["parameter"],
        "source"
    );
    post("&source=system/none/account").expect(503);
    post("&source=system/hr/group").expect(404);
}

#[test]
fn a_schedule_of_live_sync_is_checked_when_it_is_stored() {
    let server = with_people("uid,name\na,Ann\n");
    let client = &server.client;
    let job = |context: serde_json::Value| {
        json!({"type": "cron", "schedule": "0 0 0 1 1 ? 2099", "enabled": true, "persisted": true,
            "invokeService": "provisioner", "invokeContext": context})
    };
    let live = json!({"action": "liveSync", "source": "system/hr/account"});
    client.put("scheduler/job/live", &job(live)).expect(201);
    let check = |context: serde_json::Value, pointer: &str| {
        let refused = client.put("scheduler/job/bad", &job(context)).expect(400);
        assert_eq!(refused["detail"]["pointer"], pointer, "{refused}");
    };
    check(
        json!({"action": "explode", "source": "system/hr/account"}),
        "/invokeContext/action",
    );
    check(json!({"action": "liveSync"}), "/invokeContext/source");
    check(
        json!({"action": "liveSync", "source": "managed/user"}),
        "/invokeContext/source",
    );
    check(
        json!({"action": "liveSync", "source": "system/hr/account", "sorce": 1}),
        "/invokeContext/sorce",
    );
}
