//! Lines for the log of the run, formatted as by `println!`: `log::info!("greeting {mail}")`.

use std::fmt;

use crate::bindings::log;

pub use crate::bindings::log::Level;
pub use crate::{
    __log_debug as debug, __log_error as error, __log_info as info, __log_trace as trace, __log_warn as warn,
};

/// Writes a line. The macros of this module read better.
pub fn write(level: Level, line: fmt::Arguments<'_>) {
    match line.as_str() {
        Some(line) => log::write(level, line),
        None => log::write(level, &line.to_string()),
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_trace {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Trace, ::core::format_args!($($line)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Debug, ::core::format_args!($($line)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Info, ::core::format_args!($($line)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Warn, ::core::format_args!($($line)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($line:tt)*) => { $crate::log::write($crate::log::Level::Error, ::core::format_args!($($line)*)) };
}
