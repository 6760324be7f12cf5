//! Bulk operations: a query is judged by Shopify's rules for them, run, and left as a file of lines at an address of its own.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};

use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::{Argument, Type, Value as AstValue},
    executable::{Field, Selection, SelectionSet},
    response::JsonMap,
    validation::Valid,
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Server, execute,
    shop::{Answer, Shop, declined, read},
};

/// Operations that one app may have running in one shop.
const AT_ONCE: usize = 5;

/// Connections that a query may have, and how deep.
const CONNECTIONS: usize = 5;
const DEPTH: usize = 2;

/// What becomes of a bulk operation, or of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkFault {
    /// Nothing.
    None,
    /// It fails, and leaves this many lines; `None` for no file.
    Fail {
        lines: Option<usize>,
    },
    Cancel,
    /// It completes, and its file is past its seven days.
    Expire,
    /// Shopify says that it is complete, and its address opens nothing.
    Gone,
    /// The file ends this many bytes before it should.
    Truncate {
        bytes: usize,
    },
    /// A line stands before all others.
    Line(String),
    /// Its address is another.
    Elsewhere(String),
    /// It is asked after this often before it is complete.
    Slow {
        looks: usize,
    },
}

#[derive(Clone, Debug, Default)]
pub(super) struct BulkOperations {
    pub(super) base: String,
    pub(super) faults: VecDeque<BulkFault>,
    pub(super) others: usize,
    pub(super) parts: Vec<(usize, usize)>,
    operations: Vec<BulkOperation>,
}

#[derive(Clone, Debug)]
struct BulkOperation {
    query: String,
    lines: Arc<Vec<u8>>,
    fault: BulkFault,
    looks: Arc<std::sync::Mutex<usize>>,
    is_cancelled: bool,
}

impl BulkOperations {
    pub(super) fn begun(&self) -> usize {
        self.operations.len()
    }

    /// Operations that have been cancelled.
    pub(super) fn cancelled(&self) -> usize {
        self.operations.iter().filter(|operation| operation.is_cancelled).count()
    }

    /// `bulkOperationCancel`
    pub(super) fn cancel(&mut self, args: &Value) -> Answer {
        let id = args["id"].as_str().unwrap_or_default();
        let status = self.operation(id)["status"].clone();
        let operation = index_of(id).and_then(|index| self.operations.get_mut(index));
        match operation.filter(|_| status == "RUNNING") {
            Some(operation) => operation.is_cancelled = true,
            None => {
                let message = "A bulk operation cannot be canceled when it is completed";
                return Err(declined(&["id"], "", message).into());
            }
        }
        Ok(json!({ "bulkOperation": { "__typename": "BulkOperation", "id": id, "status": "CANCELING" } }))
    }

    /// An object of the schema's type `BulkOperation`; null if there is none.
    pub(super) fn operation(&self, id: &str) -> Value {
        let found = index_of(id).and_then(|index| Some((index, self.operations.get(index)?)));
        let Some((index, operation)) = found else { return Value::Null };
        let url =
            Some(format!("{}/bulk/{}?signature=open", self.base, index + 1)).filter(|_| !operation.lines.is_empty());
        let (status, url, partial) = match &operation.fault {
            _ if operation.is_cancelled => ("CANCELED", None, None),
            BulkFault::Slow { looks } if operation.look() < *looks => ("RUNNING", None, None),
            BulkFault::Fail { lines: Some(_) } => ("FAILED", None, url),
            BulkFault::Fail { lines: None } => ("FAILED", None, None),
            BulkFault::Cancel => ("CANCELED", None, None),
            BulkFault::Expire => ("EXPIRED", None, None),
            BulkFault::Elsewhere(url) => ("COMPLETED", Some(url.clone()), None),
            _ => ("COMPLETED", url, None),
        };
        json!({
            "__typename": "BulkOperation",
            "id": id,
            "status": status,
            "errorCode": (status == "FAILED").then_some("INTERNAL_SERVER_ERROR"),
            "query": operation.query,
            "fileSize": operation.lines.len().to_string(),
            "url": url,
            "partialDataUrl": partial,
        })
    }
}

/// Where the operation with a global id stands.
fn index_of(id: &str) -> Option<usize> {
    id.rsplit('/').next()?.parse::<usize>().ok()?.checked_sub(1)
}

impl BulkOperation {
    /// Counts how often it was asked after.
    fn look(&self) -> usize {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        *looks += 1;
        *looks
    }

    fn file(&self) -> &[u8] {
        let lines = self.lines.as_slice();
        match self.fault {
            BulkFault::Truncate { bytes } => &lines[..lines.len().saturating_sub(bytes)],
            BulkFault::Gone => &[],
            _ => lines,
        }
    }
}

/// `bulkOperationRunQuery`
pub(super) fn run(schema: &Valid<Schema>, shop: &mut Shop, args: Value) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Args {
        query: String,
        group_objects: bool,
    }
    let Args { query, group_objects } = read(args)?;
    if !group_objects {
        return Err("lines that do not stand behind their parents are not simulated".into());
    }
    if shop.bulk.others >= AT_ONCE {
        return Err(declined(&[], "LIMIT_REACHED", "The maximum number of bulk operations is running").into());
    }
    let document = ExecutableDocument::parse_and_validate(schema, &query, "bulk.graphql")
        .map_err(|refused| format!("the bulk query is not valid: {}", refused.errors))?;
    let mut document = document.into_inner();
    let operation = document.operations.get_mut(None).map_err(|_| "a bulk query is one operation".to_owned())?;
    let mut connections = 0;
    judge(&mut operation.selection_set, Within::default(), &mut connections)?;
    if connections == 0 || connections > CONNECTIONS || operation.selection_set.selections.len() != 1 {
        return Err(declined(&["query"], "INVALID", "A bulk query has one field and one to five connections").into());
    }
    // What was judged has page sizes now, and is as valid as before.
    let document = Valid::assume_valid(document);
    let operation = document.operations.get(None).map_err(|_| "a bulk query is one operation".to_owned())?;
    let variables = Valid::assume_valid(JsonMap::new());
    let mut snapshot = shop.clone();
    let (response, _) = execute::execute(schema, &document, operation, &variables, &mut snapshot)
        .map_err(|_| "the bulk query cannot be run".to_owned())?;
    if !response.errors.is_empty() {
        return Err(format!("the bulk query failed: {}", json!(response.errors)).into());
    }
    let mut lines = Vec::new();
    flatten(&json!(response.data), None, &mut lines);
    let fault = shop.bulk.faults.pop_front().unwrap_or(BulkFault::None);
    match &fault {
        BulkFault::Line(line) => lines.insert(0, line.clone()),
        BulkFault::Fail { lines: left } => lines.truncate(left.unwrap_or(0)),
        _ => {}
    }
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let looks = Arc::default();
    shop.bulk.operations.push(BulkOperation {
        query,
        lines: Arc::new(text.into_bytes()),
        fault,
        looks,
        is_cancelled: false,
    });
    let id = format!("gid://shopify/BulkOperation/{}", shop.bulk.operations.len());
    Ok(json!({ "bulkOperation": shop.bulk.operation_begun(&id) }))
}

impl BulkOperations {
    fn operation_begun(&self, id: &str) -> Value {
        json!({ "__typename": "BulkOperation", "id": id, "status": "CREATED" })
    }
}

/// Where in a query a field stands.
#[derive(Clone, Copy, Default)]
struct Within {
    depth: usize,
    list: bool,
}

/// Refuses what Shopify refuses, and asks for all of each connection, as a bulk operation does.
fn judge(set: &mut SelectionSet, within: Within, connections: &mut usize) -> Result<(), super::shop::Refusal> {
    let invalid = |message| Err(declined(&["query"], "INVALID", message).into());
    for selection in &mut set.selections {
        let field = match selection {
            Selection::Field(field) => field.make_mut(),
            Selection::InlineFragment(inline) => {
                judge(&mut inline.make_mut().selection_set, within, connections)?;
                continue;
            }
            Selection::FragmentSpread(_) => return Err("fragments in bulk queries are not simulated".into()),
        };
        let is_connection = field.ty().inner_named_type().ends_with("Connection");
        if is_connection && within.list {
            return invalid("Queries that contain a connection field within a list field are not currently supported.");
        }
        if is_connection && within.depth == DEPTH {
            return invalid("Bulk queries cannot contain connections with a nesting depth greater than 2.");
        }
        if is_connection {
            *connections += 1;
            ask_for_all(field);
        }
        if field.name == "node" && !names(&field.selection_set, "id") {
            return invalid("Every node of a bulk query has its id.");
        }
        let is_own_list = matches!(field.name.as_str(), "edges" | "nodes");
        let inner = Within {
            depth: within.depth + usize::from(is_connection),
            list: within.list || (is_list(field.ty()) && !is_own_list),
        };
        judge(&mut field.selection_set, inner, connections)?;
    }
    Ok(())
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::NonNullList(_))
}

fn names(set: &SelectionSet, name: &str) -> bool {
    set.selections.iter().any(|selection| matches!(selection, Selection::Field(field) if field.name == name))
}

fn ask_for_all(field: &mut Field) {
    let size = AstValue::from(i32::MAX);
    let first = Argument { name: Name::new_static_unchecked("first"), value: Node::new(size) };
    field.arguments.retain(|argument| !matches!(argument.name.as_str(), "first" | "last" | "after" | "before"));
    field.arguments.push(Node::new(first));
}

/// Writes each object of a connection as a line, its own connections' behind it.
fn flatten(value: &Value, parent: Option<&str>, lines: &mut Vec<String>) {
    for connection in value.as_object().into_iter().flat_map(|fields| fields.values()) {
        for edge in connection["edges"].as_array().into_iter().flatten() {
            let node = &edge["node"];
            let own = node.as_object().into_iter().flatten().filter(|(_, field)| field.get("edges").is_none());
            let mut line: serde_json::Map<_, _> = own.map(|(name, field)| (name.clone(), field.clone())).collect();
            if let Some(parent) = parent {
                line.insert("__parentId".into(), parent.into());
            }
            lines.push(Value::Object(line).to_string());
            flatten(node, node["id"].as_str(), lines);
        }
    }
}

/// A file, or the part that is asked for. Its address is all that opens it.
pub(super) async fn file(State(server): State<Arc<Server>>, Path(number): Path<usize>, headers: HeaderMap) -> Response {
    if headers.contains_key("X-Shopify-Access-Token") || headers.contains_key(header::AUTHORIZATION) {
        return (StatusCode::BAD_REQUEST, "a token has been sent to who keeps files").into_response();
    }
    let operation = server.state.borrow().shop.bulk.operations.get(number.wrapping_sub(1)).cloned();
    let Some(operation) = operation.filter(|operation| operation.fault != BulkFault::Gone) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let file = operation.file();
    let range =
        headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let range = range.and_then(|(from, last)| Some((from.parse::<usize>().ok()?, last.parse::<usize>().ok()?)));
    let Some((from, last)) = range else {
        return (StatusCode::BAD_REQUEST, "a whole file is not simulated").into_response();
    };
    if from >= file.len() {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let end = (last.saturating_add(1)).min(file.len());
    server.state.send_modify(|seen| seen.shop.bulk.parts.push((from, end - from)));
    let range = format!("bytes {from}-{}/{}", end - 1, file.len());
    (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, range)], file[from..end].to_vec()).into_response()
}
