//! Batches: taken at once, worked off when the shop's consumers run.

use serde_json::{Value, json};

use super::{Asked, MagentoRest, Outcome, Server, access::refusal, lock};

/// Batches that were handed over, by number.
#[derive(Default)]
pub(super) struct Batches(Vec<Vec<Operation>>);

struct Operation {
    asked: Asked,
    /// Status and body, once it has been worked off.
    answer: Option<(u16, Value)>,
}

impl MagentoRest {
    /// Runs the shop's consumers: whatever waits in batches is done.
    pub fn run_consumers(&self) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        for operation in seen.batches.0.iter_mut().flatten().filter(|it| it.answer.is_none()) {
            let Asked { method, query, body, .. } = &operation.asked;
            operation.answer = Some(seen.shop.answer(method, &operation.asked.segments(), query, body.as_ref()));
        }
    }
}

/// Takes a batch, or tells how far one has come; `None` of any other request.
pub(super) fn judge(server: &Server, asked: &Asked, segments: &[&str]) -> Option<(Outcome, (u16, Value))> {
    match (asked.method.as_str(), segments) {
        ("post", ["async", "bulk", path @ ..]) => Some(take(server, asked, path)),
        ("get", ["V1", "bulk", id, "detailed-status"]) => {
            let seen = lock(&server.state);
            let batch = id.strip_prefix("batch-").and_then(|number| seen.batches.0.get(number.parse::<usize>().ok()?));
            let (status, body) = match batch {
                None => refusal(404, "No such entity.", json!([])),
                Some(batch) => {
                    let told: Vec<_> = batch.iter().enumerate().map(|(id, operation)| told(id, operation)).collect();
                    (200, json!({ "bulk_id": id, "operation_count": told.len(), "operations_list": told }))
                }
            };
            Some((Outcome::Answered(status), (status, body)))
        }
        _ => None,
    }
}

fn take(server: &Server, asked: &Asked, path: &[&str]) -> (Outcome, (u16, Value)) {
    let bodies = asked.body.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let objection = bodies.iter().find_map(|body| server.api.objection("post", path, &[], Some(body)));
    if let Some(objection) = objection.or_else(|| bodies.is_empty().then(|| "there is nothing in it".into())) {
        return (Outcome::Invalid(objection.clone()), refusal(400, &objection, json!([])));
    }
    let operation = |body: Value| Operation {
        asked: Asked { path: path.join("/"), body: Some(body), ..asked.clone() },
        answer: None,
    };
    let items: Vec<_> = (0..bodies.len()).map(|id| json!({ "id": id, "status": "accepted" })).collect();
    let batches = &mut lock(&server.state).batches.0;
    batches.push(bodies.into_iter().map(operation).collect());
    let id = format!("batch-{}", batches.len() - 1);
    (Outcome::Answered(202), (202, json!({ "bulk_uuid": id, "request_items": items, "errors": false })))
}

/// Magento numbers what has become of an operation: 1 done, 3 failed, 4 open.
fn told(id: usize, operation: &Operation) -> Value {
    let (status, message) = match &operation.answer {
        None => (4, Value::Null),
        Some((200, _)) => (1, "Service execution success".into()),
        Some((_, body)) => (3, body["message"].clone()),
    };
    json!({ "id": id, "status": status, "result_message": message })
}
