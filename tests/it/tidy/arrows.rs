//! Arrows point down: which crate may know which.

use std::collections::BTreeMap;

use super::{assert_none, read, root};

/// What each crate of the host may know of the others. A crate that is not in the list has not been decided upon.
const MAY_KNOW: [(&str, &[&str]); 14] = [
    ("host_resource", &[]),
    ("host_model", &["host_resource"]),
    ("host_store", &["host_model", "host_resource"]),
    ("host_runtime", &["host_store", "host_model", "host_resource"]),
    ("host_secrets", &["host_model"]),
    (
        "host_objects",
        &["host_secrets", "host_store", "host_model", "host_resource"],
    ),
    ("host_scheduler", &["host_store", "host_model", "host_resource"]),
    (
        "host_taskscanner",
        &["host_runtime", "host_store", "host_model", "host_resource"],
    ),
    ("host_recon", &["host_store", "host_model", "host_resource"]),
    ("host_audit", &["host_store", "host_model", "host_resource"]),
    ("host_config", &["host_model", "host_resource"]),
    ("host_rest", &["host_store", "host_model", "host_resource"]),
    (
        "host_connectors",
        &["host_secrets", "host_store", "host_model", "host_resource"],
    ),
    (
        "host_server",
        &[
            "host_rest",
            "host_config",
            "host_connectors",
            "host_audit",
            "host_scheduler",
            "host_taskscanner",
            "host_recon",
            "host_objects",
            "host_secrets",
            "host_runtime",
            "host_store",
            "host_model",
            "host_resource",
        ],
    ),
];

/// Crates from outside that only these crates of the host may name, by how their names begin.
const ONLY: [(&str, &[&str]); 11] = [
    ("ldap3", &["host_connectors"]),
    ("rusqlite", &["host_connectors"]),
    ("tokio-postgres", &["host_connectors"]),
    ("aes-gcm", &["host_secrets"]),
    ("pbkdf2", &["host_secrets"]),
    ("wasmtime", &["host_runtime"]),
    ("redb", &["host_store"]),
    ("axum", &["host_rest"]),
    // One serves with it, the other calls.
    ("hyper", &["host_rest", "host_connectors"]),
    ("argon2", &["host_rest"]),
    ("clap", &["host_server"]),
];

/// Who may know the server: what tests it and what measures it.
const KNOW_THE_SERVER: [&str; 2] = ["tests", "xtask-bench"];

/// A package of the workspace and all that it depends on, in whatever way.
struct Package {
    name: String,
    dependencies: Vec<String>,
}

fn packages() -> Vec<Package> {
    let folders = std::fs::read_dir(root().join("host")).unwrap();
    let mut manifests: Vec<String> = folders
        .map(|folder| format!("host/{}/Cargo.toml", folder.unwrap().file_name().to_str().unwrap()))
        .collect();
    manifests.sort();
    manifests.extend(["tests", "xtask", "xtask/bench", "xtask/wizen"].map(|folder| format!("{folder}/Cargo.toml")));
    manifests.iter().map(|manifest| package(manifest)).collect()
}

fn package(manifest: &str) -> Package {
    let table: toml::Table = read(manifest)
        .parse()
        .unwrap_or_else(|error| panic!("{manifest}: {error}"));
    let mut dependencies = Vec::new();
    gather(&table, &mut dependencies);
    Package {
        name: table["package"]["name"].as_str().unwrap().to_owned(),
        dependencies,
    }
}

/// The dependencies of all kinds, also those of single targets.
fn gather(table: &toml::Table, dependencies: &mut Vec<String>) {
    for (name, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if name.ends_with("dependencies") {
            // A renamed one counts by its own name.
            let real = |(name, value): (&String, &toml::Value)| {
                value
                    .get("package")
                    .and_then(toml::Value::as_str)
                    .unwrap_or(name)
                    .to_owned()
            };
            dependencies.extend(inner.iter().map(real));
        } else if name == "target" {
            inner
                .values()
                .filter_map(toml::Value::as_table)
                .for_each(|target| gather(target, dependencies));
        }
    }
}

#[test]
fn arrows_point_down() {
    let may_know = BTreeMap::from(MAY_KNOW);
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.name.starts_with("host_")) {
        let Some(allowed) = may_know.get(package.name.as_str()) else {
            wrong.push(format!("{} is not in the list: decide what it may know", package.name));
            continue;
        };
        let known = package.dependencies.iter().filter(|name| name.starts_with("host_"));
        wrong.extend(
            known
                .filter(|name| !allowed.contains(&name.as_str()))
                .map(|name| format!("{} knows {name}", package.name)),
        );
    }
    assert_none(&wrong, "arrows point down only");
}

#[test]
fn a_crate_is_named_by_its_path() {
    for folder in std::fs::read_dir(root().join("host")).unwrap() {
        let folder = folder.unwrap().file_name().to_str().unwrap().to_owned();
        assert_eq!(
            package(&format!("host/{folder}/Cargo.toml")).name,
            format!("host_{folder}")
        );
    }
}

#[test]
fn what_one_crate_is_for_no_other_names() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.name.starts_with("host_")) {
        for name in &package.dependencies {
            let owners = ONLY
                .iter()
                .find(|(start, _)| name.starts_with(start))
                .map(|(_, owners)| *owners);
            if owners.is_some_and(|owners| !owners.contains(&package.name.as_str())) {
                wrong.push(format!("{} names {name}", package.name));
            }
        }
    }
    assert_none(&wrong, "wasmtime is in runtime only, redb in store, axum in rest");
}

#[test]
fn nobody_knows_the_server() {
    let knows = |package: &Package| package.dependencies.iter().any(|name| name == "host_server");
    let wrong: Vec<String> = packages()
        .into_iter()
        .filter(|package| knows(package) && !KNOW_THE_SERVER.contains(&package.name.as_str()))
        .map(|package| package.name)
        .collect();
    assert_none(&wrong, "the server knows everything and nothing knows the server");
}

#[test]
fn every_package_takes_the_workspaces_lints() {
    let manifests = super::files("host", "toml")
        .into_iter()
        .chain(super::files("tests", "toml"))
        .chain(super::files("xtask", "toml"));
    let without = |manifest: &String| {
        let table: toml::Table = read(manifest).parse().unwrap();
        table
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool)
            != Some(true)
    };
    let wrong: Vec<String> = manifests
        .filter(|file| file.ends_with("Cargo.toml"))
        // A workspace of its own, built with other flags.
        .filter(|file| !file.starts_with("xtask/fuzz/"))
        .filter(without)
        .collect();
    assert_none(&wrong, "a package has [lints] workspace = true");
}
