//! Deactivates a user whose sunset date has passed: what the documents' sunset script does, as a component.

use serde::Deserialize;
use taskwarden_plugin::{Problem, log, objects};

#[derive(Deserialize)]
struct User {
    mail: Option<String>,
}

taskwarden_plugin::task!(run);

fn run(object_id: &str, user: User) -> Result<bool, Problem> {
    log::debug!(
        "Performing Sunset Task on {} ({object_id})",
        user.mail.as_deref().unwrap_or("undefined")
    );
    objects::patch(object_id)
        .replace("/active", false)
        .replace("/accountStatus", "inactive")
        .send()?;
    Ok(true)
}
