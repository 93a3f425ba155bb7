//! `context`: what surrounds the call.

use crate::bindings::{context, types};
use crate::guest::Guest;
use crate::meter::Stop;
use crate::transcript::Answered;

impl types::Host for Guest {}

impl context::Host for Guest {
    async fn current(&mut self) -> wasmtime::Result<context::Invocation> {
        self.meter.host_call()?;
        Ok(context::Invocation {
            tenant: self.around.tenant.to_string(),
            job: self.around.job.as_deref().map(str::to_owned),
            run: self.around.run.to_string(),
            dry_run: self.around.is_dry_run,
        })
    }

    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.meter.host_call()?;
        Ok(self.now_ms())
    }

    async fn random(&mut self) -> wasmtime::Result<u64> {
        self.meter.host_call()?;
        Ok(Guest::random(self))
    }

    async fn property(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.meter.host_call()?;
        if let Some(player) = &self.player {
            let told = player.play("property", &name, &[]).ok_or(Stop::Replay)?;
            return Ok(told.answer.unwrap_or_default());
        }
        let value = self.around.properties.get(&name);
        self.transcript.ask("property", &name, &[]);
        self.transcript.answer(Answered::Plain(value), false, 0);
        Ok(value.map(str::to_owned))
    }
}
