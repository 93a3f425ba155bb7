//! How far the server reads ahead of a client that does not read.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use host_resource::sort::SortKey;
use host_resource::{Caller, Content, Filter, Object, Page, Resource};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::*;
use crate::answer::chunks::AHEAD;

const OBJECTS: usize = 200_000;

/// Many objects, how many of them were handed out, and how many more there are said to be.
#[derive(Default)]
struct Many(AtomicUsize, u64);

#[async_trait]
impl Resource for Many {
    async fn query(&self, _: &Context, _: &ResourcePath, query: Query) -> Result<Page, Problem> {
        let start: usize = query.cookie.map_or(Ok(0), |cookie| cookie.parse()).unwrap();
        let end = OBJECTS.min(start + query.page_size.unwrap());
        self.0.fetch_add(end - start, Ordering::Relaxed);
        let object = |number: usize| Object {
            id: number.to_string(),
            rev: None,
            content: Content::Json(json!({"n": number})),
        };
        Ok(Page {
            result: (start..end).map(object).collect(),
            cookie: (end < OBJECTS).then(|| end.to_string()),
            policy: query.total,
            total: (query.total == TotalPolicy::Exact).then_some(OBJECTS as u64 + self.1),
        })
    }
}

async fn ask(many: &Arc<Many>) -> Body {
    ask_sorted(many, Vec::new()).await.unwrap().into_body()
}

async fn ask_sorted(many: &Arc<Many>, sort: Vec<SortKey>) -> Result<Reply, Problem> {
    let everything = Everything {
        router: Arc::new(Router::new().mount(&["many"], &[], Arc::clone(many) as Arc<dyn Resource>)),
        context: Context::new(Arc::new(Caller::internal("default", "tests")), "r"),
        path: ResourcePath::parse("many").unwrap(),
        query: Query {
            sort,
            ..Query::filter(Arc::new(Filter::Literal(true)))
        },
        version: None,
        style: Style::default(),
        is_lines: false,
    };
    let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    everything.answer(slot).await
}

/// Lets the sender go as far as it gets: on this runtime of one thread nothing else is under way.
async fn settle() {
    for _ in 0..10_000 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_makes_the_server_hold_few_pages_of_very_many() {
    let many = Arc::new(Many::default());
    let mut body = ask(&many).await;
    settle().await;
    let ahead = many.0.load(Ordering::Relaxed);
    assert!(ahead <= (AHEAD + 2) * PAGE, "{ahead} objects were read ahead");

    let mut text = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    settle().await;
    let next = many.0.load(Ordering::Relaxed);
    assert!(
        next <= ahead + PAGE,
        "{next} objects were read after one piece was taken"
    );

    text.extend(body.collect().await.unwrap().to_bytes());
    let envelope: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(envelope["resultCount"], json!(OBJECTS));
    assert_eq!(envelope["result"][OBJECTS - 1]["n"], json!(OBJECTS - 1));
}

#[tokio::test]
async fn a_client_that_goes_stops_the_query() {
    let many = Arc::new(Many::default());
    let body = ask(&many).await;
    settle().await;
    drop(body);
    settle().await;
    let read = many.0.load(Ordering::Relaxed);
    assert!(read <= (AHEAD + 3) * PAGE, "{read} objects were read for nobody");
}

#[tokio::test]
async fn an_order_of_very_many_is_refused_before_anything_is_sent() {
    let keys = || SortKey::parse_list("n").unwrap();
    let few = Arc::new(Many::default());
    let reply = ask_sorted(&few, keys()).await.unwrap();
    let text = reply.into_body().collect().await.unwrap().to_bytes();
    let envelope: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        (&envelope["resultCount"], &envelope["totalPagedResults"]),
        (&json!(OBJECTS), &json!(-1)),
        "as many as twenty pages are answered"
    );
    let many = Arc::new(Many(AtomicUsize::new(0), 1));
    let problem = ask_sorted(&many, keys()).await.unwrap_err();
    assert!(
        problem
            .message
            .contains("200001 objects cannot be sorted for one answer"),
        "{problem}"
    );
    assert_eq!(many.0.load(Ordering::Relaxed), SORTED_PAGE, "one page was looked at");
    // Without an order there is no end to what can be answered.
    let reply = ask_sorted(&many, Vec::new()).await.unwrap();
    drop(reply);
}
