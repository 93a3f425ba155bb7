//! Answers as a client sees them.

use host_resource::project::Fields;
use host_resource::{Code, Content};
use http_body_util::BodyExt as _;
use serde_json::json;

use super::*;

async fn shown(reply: Reply) -> (u16, http::HeaderMap, String) {
    let (head, body) = reply.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (
        head.status.as_u16(),
        head.headers,
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

fn user(rev: Option<&str>) -> Object {
    let content = Content::Json(json!({"name": "Joe", "tags": ["a"], "manager": null}));
    Object {
        id: "1".to_owned(),
        rev: rev.map(str::to_owned),
        content,
    }
}

fn style(fields: &[&str]) -> Style {
    Style {
        fields: Fields::parse(fields).unwrap(),
        ..Style::default()
    }
}

#[tokio::test]
async fn a_resource_has_its_revision_as_tag() {
    let (status, headers, body) = shown(object(user(Some("7")), &style(&[]), None).unwrap()).await;
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            "{\"_id\":\"1\",\"_rev\":\"7\",\"name\":\"Joe\",\"tags\":[\"a\"],\"manager\":null}"
        )
    );
    assert_eq!(headers[ETAG], "\"7\"");
    assert_eq!(headers[CONTENT_TYPE], "application/json;charset=UTF-8");
    assert!(!headers.contains_key(LOCATION));
}

#[tokio::test]
async fn a_new_resource_has_a_place() {
    let (status, headers, _) = shown(object(user(None), &style(&[]), Some("/openidm/managed/user/1")).unwrap()).await;
    assert_eq!(status, 201);
    assert_eq!(headers[LOCATION], "/openidm/managed/user/1");
    assert!(!headers.contains_key(ETAG));
}

#[tokio::test]
async fn wanted_fields_are_shown_and_the_identity_always() {
    let check = async |fields: &[&str], expected: &str| {
        let (_, _, body) = shown(object(user(Some("7")), &style(fields), None).unwrap()).await;
        assert_eq!(body, expected, "{fields:?}");
    };
    check(&["name"], "{\"_id\":\"1\",\"_rev\":\"7\",\"name\":\"Joe\"}").await;
    check(
        &["_id", "manager", "absent"],
        "{\"_id\":\"1\",\"_rev\":\"7\",\"manager\":null}",
    )
    .await;
}

#[tokio::test]
async fn one_field_as_text() {
    let check = async |field: &str, expected: &str| {
        let style = Style {
            is_text: true,
            ..style(&[field])
        };
        let (_, headers, body) = shown(object(user(Some("7")), &style, None).unwrap()).await;
        assert_eq!((body.as_str(), &headers[CONTENT_TYPE]), (expected, &TEXT), "{field}");
    };
    check("name", "Joe").await;
    check("tags", "[\"a\"]").await;
    check("absent", "").await;
    check("_id", "1").await;
}

#[tokio::test]
async fn indented_on_wish() {
    let style = Style {
        is_pretty: true,
        ..style(&["name"])
    };
    let (_, _, body) = shown(object(user(None), &style, None).unwrap()).await;
    assert_eq!(body, "{\n  \"_id\": \"1\",\n  \"name\": \"Joe\"\n}");
}

#[tokio::test]
async fn an_action_says_something_or_nothing() {
    let check = async |said: Option<Value>, fields: &[&str], expected: (u16, &str)| {
        let (status, _, body) = shown(action(said.clone(), &style(fields)).unwrap()).await;
        assert_eq!((status, body.as_str()), expected, "{said:?}");
    };
    check(None, &[], (204, "")).await;
    check(Some(json!({"success": true})), &[], (200, "{\"success\":true}")).await;
    check(Some(json!([])), &["x"], (200, "[]")).await;
    check(
        Some(json!({"_id": "1", "state": "ACTIVE"})),
        &["_id"],
        (200, "{\"_id\":\"1\"}"),
    )
    .await;
}

#[tokio::test]
async fn a_problem_has_its_code_and_its_message_escaped() {
    let (status, _, body) = shown(problem(&Problem::not_found("<a>"))).await;
    let message = "Resource &#39;&lt;a&gt;&#39; not found";
    assert_eq!(
        (status, body),
        (
            404,
            format!("{{\"code\":404,\"reason\":\"Not Found\",\"message\":\"{message}\"}}")
        )
    );
    let (status, headers, body) = shown(problem(&Problem::unauthorized())).await;
    assert_eq!(
        body,
        "{\"code\":401,\"reason\":\"Unauthorized\",\"message\":\"Access Denied\"}"
    );
    assert_eq!(
        (status, headers[WWW_AUTHENTICATE].to_str().unwrap()),
        (401, "Bearer realm=\"openidm\"")
    );
    let (_, _, body) = shown(problem(&Problem::conflict(""))).await;
    assert_eq!(body, "{\"code\":409,\"reason\":\"Conflict\",\"message\":\"Conflict\"}");
    let (_, headers, _) = shown(problem(&Problem::new(Code::TOO_MANY, "later"))).await;
    assert_eq!(headers[RETRY_AFTER], "60");
}

#[tokio::test]
async fn stored_text_that_is_damaged_is_a_problem_and_no_half_answer() {
    let damaged = || Object {
        id: "1".to_owned(),
        rev: None,
        content: Content::Raw(b"\xFF".to_vec().into()),
    };
    for style in [style(&[]), style(&["a"])] {
        assert_eq!(object(damaged(), &style, None).unwrap_err().code, Code::INTERNAL);
    }
}
