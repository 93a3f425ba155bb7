//! How a plugin's function becomes what the host calls.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::bindings::types;

/// Makes a function `fn(&str, T) -> Result<bool, Problem>` the task of this plugin. `T` is anything that serde can read.
#[macro_export]
macro_rules! task {
    ($run:path) => {
        const _: () = {
            struct Task;

            impl $crate::bindings::task::Guest for Task {
                fn run(
                    object_id: ::std::string::String,
                    input: ::std::string::String,
                ) -> ::core::result::Result<bool, $crate::bindings::types::Problem> {
                    $crate::export::task(&object_id, &input, $run)
                }
            }

    $crate::bindings::task::export_task!(Task with_types_in $crate::bindings::task);
        };
    };
}

/// Makes a function `fn(T) -> Result<U, Problem>` the script of this plugin. `T` is anything that serde can read, `U`
/// anything that it can write.
#[macro_export]
macro_rules! script {
    ($run:path) => {
        const _: () = {
            struct Script;

            impl $crate::bindings::script::Guest for Script {
                fn run(
                    input: ::std::string::String,
                ) -> ::core::result::Result<::std::string::String, $crate::bindings::types::Problem> {
                    $crate::export::script(&input, $run)
                }
            }

    $crate::bindings::script::export_script!(Script with_types_in $crate::bindings::script);
        };
    };
}

pub fn task<T: DeserializeOwned>(
    object_id: &str,
    input: &str,
    run: impl FnOnce(&str, T) -> Result<bool, Problem>,
) -> Result<bool, types::Problem> {
    report_panics();
    Ok(run(object_id, read_input(input)?)?)
}

pub fn script<T: DeserializeOwned, U: Serialize>(
    input: &str,
    run: impl FnOnce(T) -> Result<U, Problem>,
) -> Result<String, types::Problem> {
    report_panics();
    let output = run(read_input(input)?)?;
    Ok(serde_json::to_string(&output).map_err(Problem::from)?)
}

fn read_input<T: DeserializeOwned>(input: &str) -> Result<T, Problem> {
    serde_json::from_str(input)
        .map_err(|error| Problem::bad_request(format!("the input is not what is expected: {error}")))
}

/// Without this the host sees a panic as a bare `unreachable`.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| crate::log::error!("{panic}")));
}
