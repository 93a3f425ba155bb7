//! Patching a value, `transform` included: its script runs as who sent the patch.

use std::sync::Arc;

use host_model::evaluate::Evaluation;
use host_model::script::ScriptSpec;
use host_resource::patch::{self, Op, PatchError, PatchOperation};
use host_resource::{Context, Pointer, Problem};
use host_store::UnitOfWork;
use serde_json::Value;

use super::change::apply;
use super::{ManagedObjects, body};

impl ManagedObjects {
    /// Applies operations in order.
    pub(super) async fn patch_value(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        path: &str,
        operations: &[PatchOperation],
        target: &mut Value,
    ) -> Result<(), Problem> {
        let refused = |error: PatchError| Problem::bad_request(error.to_string());
        let mut rest = operations;
        while !rest.is_empty() {
            let next = rest.iter().position(|operation| operation.operation == Op::Transform);
            let (before, after) = rest.split_at(next.unwrap_or(rest.len()));
            apply(before, target).map_err(|error| error.problem(path))?;
            let Some((transform, after)) = after.split_first() else {
                break;
            };
            let position = operations.len() - after.len() - 1;
            let made = self
                .transformed(context, unit, path, position, transform, target)
                .await?;
            patch::apply(std::slice::from_ref(&made), target).map_err(refused)?;
            body::text(target)?;
            rest = after;
        }
        Ok(())
    }

    /// The operation that writes what the script of a `transform` makes of its field.
    async fn transformed(
        &self,
        context: &Context,
        unit: &Arc<UnitOfWork>,
        path: &str,
        position: usize,
        operation: &PatchOperation,
        target: &Value,
    ) -> Result<PatchOperation, Problem> {
        let script = operation
            .script()
            .map_err(|error| Problem::bad_request(error.to_string()))?;
        let place = Pointer::root()
            .child(&position.to_string())
            .child("value")
            .child("script");
        let spec = ScriptSpec::parse(script, place.clone())?;
        let prepared = self.scripting.prepare(Some(context), &spec, &place).await?;
        let content = operation.field.get(target).unwrap_or(&Value::Null);
        let evaluation = Evaluation::new(format!("{path} transform {}", operation.field))
            .bind("content", content)
            .bind("object", target);
        let context = context.clone().within(Arc::clone(unit));
        let result = prepared.evaluate(&context, evaluation).await;
        let value = result.map_err(|problem| {
            Problem::bad_request(PatchError::script(script, &problem.message).to_string())
                .with_detail("cause", problem.to_json())
        })?;
        Ok(operation.with_result(value.into_value()))
    }
}
