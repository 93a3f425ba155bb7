//! Single resources: the life of one, actions, and what is refused.

use serde_json::json;

use super::house::{House, PASSWORD};

#[tokio::test]
async fn the_life_of_a_resource() {
    let house = House::open().await;
    let created = house.call("PUT", "things/my%20thing", &[], "{\"a\": 1}").await;
    assert_eq!(
        (created.status, created.json()),
        (201, json!({"_id": "my thing", "_rev": "0", "a": 1}))
    );
    assert_eq!(created.header("location"), Some("/openidm/things/my%20thing"));
    assert_eq!(created.header("etag"), Some("\"0\""));

    let replaced = house.call("PUT", "things/my%20thing", &[], "{\"a\": 2}").await;
    assert_eq!(
        (replaced.status, replaced.json()),
        (200, json!({"_id": "my thing", "_rev": "1", "a": 2}))
    );
    assert_eq!(replaced.header("location"), None);

    let refused = house
        .call("PUT", "things/my%20thing", &[("if-none-match", "*")], "{}")
        .await;
    assert_eq!(refused.status, 412);
    let stale = house
        .call("PUT", "things/my%20thing", &[("if-match", "\"0\"")], "{}")
        .await;
    assert_eq!(stale.status, 412);

    let patch = "[{\"operation\": \"increment\", \"field\": \"/a\", \"value\": 1}]";
    let patched = house
        .call("PATCH", "things/my%20thing", &[("if-match", "1")], patch)
        .await;
    assert_eq!(
        (patched.status, patched.json()),
        (200, json!({"_id": "my thing", "_rev": "2", "a": 3}))
    );

    let read = house.call("GET", "things/my%20thing?_fields=a", &[], "").await;
    assert_eq!(
        (read.status, read.json()),
        (200, json!({"_id": "my thing", "_rev": "2", "a": 3}))
    );
    let unchanged = house
        .call("GET", "things/my%20thing", &[("if-none-match", "\"2\"")], "")
        .await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    assert_eq!(unchanged.header("etag"), Some("\"2\""));

    let deleted = house.call("DELETE", "things/my%20thing", &[], "").await;
    assert_eq!((deleted.status, deleted.json()["a"].clone()), (200, json!(3)));
    let gone = house.call("GET", "things/my%20thing", &[], "").await;
    assert_eq!(
        (gone.status, gone.json()["message"].as_str()),
        (404, Some("Resource &#39;my%20thing&#39; not found"))
    );
}

#[tokio::test]
async fn a_post_creates_with_an_id_of_the_server() {
    let house = House::open().await;
    for url in ["things?_action=create", "things"] {
        let created = house.call("POST", url, &[], "{}").await;
        let id = created.json()["_id"].as_str().unwrap().to_owned();
        assert_eq!(
            (created.status, created.header("location")),
            (201, Some(&*format!("/openidm/things/{id}"))),
            "{url}"
        );
    }
    let old = house
        .call("POST", "things", &[("accept-api-version", "protocol=2.0")], "{}")
        .await;
    assert_eq!(old.status, 400);
}

#[tokio::test]
async fn every_answer_is_json_and_not_kept() {
    let house = House::open().await;
    for (method, path, status) in [
        ("GET", "things/x", 404),
        ("GET", "many/00001", 200),
        ("POST", "actor?_action=echo", 200),
    ] {
        let answer = house.call(method, path, &[("x-request-id", "mine.1")], "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json;charset=UTF-8"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-request-id"), Some("mine.1"), "{path}");
    }
    let answer = house
        .call("GET", "many/00001", &[("x-request-id", "two words")], "")
        .await;
    assert!(
        answer
            .header("x-request-id")
            .unwrap()
            .starts_with("00000000-0000-4000-8000-")
    );
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let house = House::open().await;
    let whole = house.call("GET", "many/00001", &[], "").await;
    let head = house.call("HEAD", "many/00001", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(&*whole.body.len().to_string()));
    assert_eq!(head.header("etag"), whole.header("etag"));
    let missing = house.call("HEAD", "things/x", &[], "").await;
    assert_eq!((missing.status, missing.body.as_str()), (404, ""));
}

#[tokio::test]
async fn an_action_needs_neither_a_body_nor_a_type() {
    let house = House::open().await;
    let lines = [("accept-api-version", "resource=2.0"), ("x-request-id", "r1")];
    let said = house.call("POST", "actor?_action=echo&name=a+b&_x=1", &lines, "").await;
    let expected = json!({
        "parameters": [["name", "a b"], ["_x", "1"]], "content": null, "version": "2.0", "caller": "tests", "request": "r1",
    });
    assert_eq!((said.status, said.json()), (200, expected));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(house.call("POST", "actor?_action=echo", &form, "").await.status, 200);
    let said = house.call("POST", "actor?_action=echo", &[], "[1]").await;
    assert_eq!(said.json()["content"], json!([1]));
    let silent = house.call("POST", "actor?_action=nothing", &[], "").await;
    assert_eq!((silent.status, silent.body.as_str()), (204, ""));
}

#[tokio::test]
async fn methods_can_be_asked_for_and_overridden() {
    let house = House::open().await;
    let options = house.call("OPTIONS", "things", &[], "").await;
    assert_eq!(
        (options.status, options.header("allow")),
        (200, Some("GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"))
    );
    let deleted = house
        .call("POST", "many/00007", &[("x-http-method-override", "DELETE")], "")
        .await;
    assert_eq!((deleted.status, deleted.json()["number"].clone()), (200, json!(7)));
    assert_eq!(house.call("TRACE", "things", &[], "").await.status, 501);
    assert_eq!(house.call("DELETE", "actor/x", &[], "").await.status, 501);
}

#[tokio::test]
async fn an_answer_says_which_version_gave_it() {
    let house = House::open().await;
    let check = async |path: &str, asked: Option<&str>, answered: Option<&str>, warning: Option<&str>| {
        let lines: Vec<_> = asked.iter().map(|asked| ("accept-api-version", *asked)).collect();
        let answer = house.call("GET", path, &lines, "").await;
        assert_eq!(answer.status, 200, "{asked:?}");
        assert_eq!(answer.header("content-api-version"), answered, "{asked:?}");
        assert_eq!(answer.header("warning"), warning, "{asked:?}");
    };
    let path = "things?_queryFilter=true";
    check(path, Some("resource=2.0"), Some("protocol=2.1,resource=2.0"), None).await;
    check(
        path,
        Some("protocol=1.0,resource=1"),
        Some("protocol=1.0,resource=1.0"),
        None,
    )
    .await;
    let missing = "199 taskwarden \"no Accept-API-Version was sent, resource=2.0 answered\"";
    check(path, None, Some("protocol=2.1,resource=2.0"), Some(missing)).await;
    check(
        path,
        Some("protocol=2.1"),
        Some("protocol=2.1,resource=2.0"),
        Some(missing),
    )
    .await;
    check(
        "newer?_queryFilter=true",
        Some("resource=1.1"),
        Some("protocol=2.1,resource=1.2"),
        Some("199 taskwarden \"resource=1.1 was asked for, resource=1.2 answered\""),
    )
    .await;
    // What has no versions says nothing.
    check("many/00001", None, None, None).await;
    check("many/00001", Some("resource=7.0"), None, None).await;
    let refused = house
        .call("GET", path, &[("accept-api-version", "resource=3.0")], "")
        .await;
    assert_eq!((refused.status, refused.header("content-api-version")), (404, None));
}

#[tokio::test]
async fn a_body_of_several_parts_is_put_together() {
    let house = House::open().await;
    let token = format!("Bearer {}", house.token.expose());
    let lines = [
        ("authorization", &*token),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    let body = "--x\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n\
                {\"photo\": {\"$ref\": \"cid:p#content\"}}\r\n--x\r\nContent-Disposition: form-data; name=\"p\"\r\n\r\nabc\r\n--x--";
    let created = house.anonymous("PUT", "/openidm/things/x", &lines, body).await;
    assert_eq!(
        (created.status, created.json()["photo"].clone()),
        (201, json!("YWJj")),
        "{}",
        created.body
    );
    let refused = house.anonymous("PUT", "/openidm/things/y", &lines, "{}").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn malformed_json_says_where() {
    let house = House::open().await;
    let refused = house.call("PUT", "things/x", &[], "{\n \"a\": tru\n}").await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["detail"]["line"], &problem["code"]),
        (400, &json!(2), &json!(400)),
        "{problem}"
    );
    assert_eq!(problem["reason"], "Bad Request");
}

#[tokio::test]
async fn who_does_not_say_who_it_is_learns_nothing() {
    let house = House::open().await;
    let denied = "{\"code\":401,\"reason\":\"Unauthorized\",\"message\":\"Access Denied\"}";
    let wrong = [
        ("x-openidm-username", "openidm-admin"),
        ("x-openidm-password", "wrong password"),
    ];
    let unknown = [
        ("x-openidm-username", "nobody"),
        ("x-openidm-password", "wrong password"),
    ];
    for lines in [
        &[][..],
        &wrong,
        &unknown,
        &[("authorization", "Bearer tw_0000000000000000_x")],
    ] {
        for path in [
            "/openidm/things/x",
            "/openidm/nowhere",
            "/openidm/info/pings",
            "/openidm/a//b?_x=1",
        ] {
            let answer = house.anonymous("GET", path, lines, "").await;
            assert_eq!((answer.status, answer.body.as_str()), (401, denied), "{path} {lines:?}");
        }
    }
    assert_eq!(house.anonymous("POST", "/openidm/info/ping", &[], "").await.status, 401);
}

#[tokio::test]
async fn every_way_to_sign_in_works() {
    let house = House::open().await;
    let headers = [
        ("x-openidm-username", "openidm-admin"),
        ("x-openidm-password", PASSWORD),
    ];
    let basic = [("authorization", "Basic b3BlbmlkbS1hZG1pbjpjb3JyZWN0IGhvcnNl")];
    for lines in [&headers[..], &basic] {
        let said = house.anonymous("POST", "/openidm/actor?_action=echo", lines, "").await;
        assert_eq!(
            (said.status, said.json()["caller"].clone()),
            (200, json!("openidm-admin")),
            "{lines:?}"
        );
    }
    let both = [headers[0], headers[1], basic[0]];
    assert_eq!(house.anonymous("GET", "/openidm/things/x", &both, "").await.status, 400);
}

#[tokio::test]
async fn a_caller_without_rights_is_turned_away() {
    let house = House::open().await;
    let lines = [("x-openidm-username", "joe"), ("x-openidm-password", PASSWORD)];
    let answer = house.anonymous("GET", "/openidm/many/00001", &lines, "").await;
    assert_eq!(
        (answer.status, answer.json()["message"].as_str()),
        (403, Some("Access denied"))
    );
}

#[tokio::test]
async fn anybody_may_ask_whether_the_server_is_up() {
    let house = House::open().await;
    let ping = house.anonymous("GET", "/openidm/info/ping", &[], "").await;
    let expected = json!({"_id": "", "state": "ACTIVE_READY", "shortDesc": "Taskwarden is ready"});
    assert_eq!((ping.status, ping.json()), (200, expected));
    assert_eq!(house.anonymous("GET", "/healthz", &[], "").await.status, 200);
    assert_eq!(house.anonymous("GET", "/readyz", &[], "").await.status, 200);
    house.rest.set_ready(false);
    assert_eq!(house.anonymous("GET", "/readyz", &[], "").await.status, 503);
    let ping = house.anonymous("GET", "/openidm/info/ping", &[], "").await;
    assert_eq!(ping.json()["state"], "ACTIVE_NOT_READY");
    assert_eq!(house.anonymous("POST", "/healthz", &[], "").await.status, 405);
}

#[tokio::test]
async fn a_tenant_can_be_named_in_the_path() {
    let house = House::open().await;
    let token = format!("Bearer {}", house.token.expose());
    let lines = [("authorization", &*token), ("content-type", "application/json")];
    let created = house
        .anonymous("PUT", "/tenants/default/openidm/things/x", &lines, "{}")
        .await;
    assert_eq!(
        (created.status, created.header("location")),
        (201, Some("/tenants/default/openidm/things/x"))
    );
    for path in ["/tenants/other/openidm/things/x", "/other", "/"] {
        assert_eq!(house.anonymous("GET", path, &lines, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_upsert_looks_again_when_the_resource_vanishes_but_not_forever() {
    let house = House::open().await;
    let found = house.call("PUT", "fleeting/some/x", &[], "{\"a\": 1}").await;
    assert_eq!((found.status, found.json()["a"].clone()), (200, json!(1)));
    assert_eq!(house.call("PUT", "fleeting/always/x", &[], "{}").await.status, 409);
}
