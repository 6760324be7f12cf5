//! Bulk operations: a query that Shopify runs by itself, and the file of lines that it leaves for seven days.
//!
//! The file is read in parts, each by a call of its own, so that nothing is open while what was read is worked off and a
//! restart goes on where it stopped. Its address is asked for anew each time: it opens the file to whoever knows it, and is
//! kept nowhere.

use std::{fmt, time::Duration};

use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::{AdminClient, answer::Nothing, permanent, transient};
use crate::platform::{
    Failure,
    http::{FilePart, Limits, Reach},
    past::Next,
};

const RUN: &str = include_str!("../documents/run_bulk_query.graphql");
const OPERATION: &str = include_str!("../documents/bulk_operation.graphql");
const CANCEL: &str = include_str!("../documents/cancel_bulk_operation.graphql");

/// Between two tries to begin where as many run as may.
const BUSY: Duration = Duration::from_secs(60);

/// For one part of a file.
const PART_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the reading of an operation's file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    operation: String,
    /// Bytes that have been read.
    pub(super) offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation, self.offset)
    }
}

impl Place {
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let parts = text.rsplit_once(' ').and_then(|(operation, offset)| Some((operation, offset.parse().ok()?)));
        let (operation, offset) = parts.ok_or_else(|| permanent("the place in a bulk operation's file is none"))?;
        Ok(Self { operation: operation.into(), offset })
    }

    pub(super) fn after(&self, bytes: u64) -> Self {
        Self { operation: self.operation.clone(), offset: self.offset + bytes }
    }
}

/// What an operation has left.
pub(super) struct File {
    url: Url,
    reach: Reach,
    size: Option<u64>,
    /// Why it is not the whole of it.
    pub(super) partial: Option<String>,
}

/// Some of a file, as it comes after a [`Place`].
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    pub(super) ends_file: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    bulk_operation: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    status: String,
    error_code: Option<String>,
    /// Shopify writes 64 bits as a text.
    file_size: Option<String>,
    url: Option<String>,
    partial_data_url: Option<String>,
}

impl AdminClient {
    /// Has Shopify run a query.
    pub(super) async fn begin_bulk(&self, query: &str) -> Result<Next, Failure> {
        let begun = self.mutate::<Begun>(RUN, json!({ "query": query })).await?;
        if begun.user_errors.have_code(&["OPERATION_IN_PROGRESS", "LIMIT_REACHED"]) {
            return Ok(Next::Busy(BUSY));
        }
        let operation = begun.into_result()?.bulk_operation.ok_or_else(|| transient("Shopify began no operation"))?;
        Ok(Next::AtWork(Place { operation: operation.id, offset: 0 }.to_string()))
    }

    /// Has Shopify end an operation, of which few may run at once. One that has ended by itself is declined, and is as good.
    pub(super) async fn cancel_bulk(&self, place: &Place) -> Result<(), Failure> {
        self.mutate::<Nothing>(CANCEL, json!({ "id": place.operation })).await.map(|_| ())
    }

    /// The file that an operation has left, or how to go on where there is none.
    pub(super) async fn bulk_file(&self, place: &Place) -> Result<Result<File, Next>, Failure> {
        let operation: Option<Operation> = self.ask(OPERATION, json!({ "id": place.operation })).await?;
        let Some(operation) = operation else {
            return Ok(Err(Next::Anew("Shopify knows the bulk operation no more".into())));
        };
        let why = operation.error_code.as_deref().unwrap_or("no reason is given").to_lowercase().replace('_', " ");
        let failed = format!("Shopify's bulk operation failed ({why})");
        Ok(match operation.status.as_str() {
            "CREATED" | "RUNNING" => Err(Next::AtWork(place.to_string())),
            "COMPLETED" => match &operation.url {
                Some(url) => Ok(self.file(url, &operation, None)?),
                // Nothing was found.
                None => Err(Next::End),
            },
            "FAILED" => match &operation.partial_data_url {
                Some(url) => Ok(self.file(url, &operation, Some(failed))?),
                None => Err(Next::GivenUp(failed)),
            },
            "CANCELING" | "CANCELED" => Err(Next::GivenUp("somebody has cancelled the bulk operation".into())),
            "EXPIRED" => Err(Next::Anew(gone())),
            other => return Err(transient(format!("Shopify's bulk operation is `{other}`, which is no state of one"))),
        })
    }

    /// A file stands at a public address, unless the API itself stands where the operator has said.
    fn file(&self, url: &str, operation: &Operation, partial: Option<String>) -> Result<File, Failure> {
        let url = Url::parse(url).map_err(|_| permanent("Shopify names a file by what is no address"))?;
        let reach = if url.origin() == self.url.origin() { self.reach } else { Reach::Public };
        let size = operation.file_size.as_deref().and_then(|size| size.parse().ok());
        // The size is that of the whole.
        let size = size.filter(|_| partial.is_none());
        Ok(File { url, reach, size, partial })
    }

    /// At most so many bytes of a file; how to go on where it is there no more.
    pub(super) async fn read_file(
        &self,
        file: &File,
        place: &Place,
        bytes: usize,
    ) -> Result<Result<Read, Next>, Failure> {
        let limits = Limits { timeout: PART_TIMEOUT, max_answer_bytes: bytes };
        let part = self.http.part_of_file(file.reach, &file.url, place.offset, limits).await?;
        let Some(FilePart { bytes, size }) = part else { return Ok(Err(Next::Anew(gone()))) };
        let end = place.offset + bytes.len() as u64;
        let size = match (file.size, size) {
            (Some(stated), Some(found)) if stated != found => {
                return Err(transient(format!("the file has {found} bytes, and Shopify says that it has {stated}")));
            }
            (stated, found) => stated.or(found),
        };
        if bytes.is_empty() && size.is_some_and(|size| end < size) {
            return Err(transient("the file ends before its end"));
        }
        Ok(Ok(Read { bytes, ends_file: size.is_some_and(|size| end >= size) }))
    }
}

fn gone() -> String {
    "the file of the bulk operation is there no more: Shopify keeps one for seven days".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place { operation: "gid://shopify/BulkOperation/7".into(), offset: 1_234 };
        assert_eq!(Place::read(&place.to_string()), Ok(place.clone()));
        assert_eq!(place.after(6).offset, 1_240);
        assert!(matches!(Place::read("gid://shopify/BulkOperation/7"), Err(Failure::Permanent { .. })));
    }
}
