//! What the demonstration prints.

use std::net::SocketAddr;

use host_model::clock::parse_wire_time;
use serde_json::Value;

/// What happened.
pub(super) fn result(run: &Value, changed: &[(Value, Value)]) {
    let number = |pointer: &str| run.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let (processed, successes, failures) = (
        number("/progress/processed"),
        number("/progress/successes"),
        number("/progress/failures"),
    );
    let instant = |name: &str| run[name].as_str().and_then(parse_wire_time);
    println!();
    println!("  processed   {processed:>10}");
    println!("  successes   {successes:>10}");
    println!("  failures    {failures:>10}");
    if let (Some(started), Some(ended)) = (instant("started"), instant("ended")) {
        let seconds = (ended - started).as_seconds_f64().max(0.001);
        println!("  took        {seconds:>10.2} s");
        println!("  rate        {:>10.0} objects/s", processed as f64 / seconds);
    }
    println!(
        "  fuel        {:>10} p50 {:>10} p99",
        number("/usage/fuel/p50"),
        number("/usage/fuel/p99")
    );
    println!();
    for (before, after) in changed {
        println!("  {} ({})", text(after, "/_id"), text(after, "/mail"));
        for pointer in [
            "/active",
            "/accountStatus",
            "/sunset/task-started",
            "/sunset/task-completed",
        ] {
            println!(
                "    {pointer:<24} {:>12} -> {}",
                shown(before.pointer(pointer)),
                shown(after.pointer(pointer))
            );
        }
    }
}

/// How to go on.
pub(super) fn invite(address: SocketAddr, password: Option<&str>) {
    println!();
    println!("listening on http://{address}");
    match password {
        Some(password) => println!("the password of openidm-admin is {password}; it is shown this once"),
        None => println!("the password of openidm-admin is that of TASKWARDEN_ADMIN_PASSWORD"),
    }
    let password = password.unwrap_or("$TASKWARDEN_ADMIN_PASSWORD");
    println!(
        "try:  curl -u openidm-admin:{password} 'http://{address}/openidm/taskscanner?_queryFilter=true&_prettyPrint=true'"
    );
    println!("Ctrl-C ends it.");
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), Value::to_string)
}
