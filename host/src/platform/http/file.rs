//! Parts of a file that a platform has put somewhere. Its address is all that opens it: no header shows who asks.

use axum::http::{
    HeaderMap, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE},
};
use reqwest::{Response, Url};

use super::{Http, Limits, Reach, Way, check, host_of, unreachable};
use crate::platform::Failure;

/// Some of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    pub bytes: Vec<u8>,
    /// Bytes of the whole file, where that is known.
    pub size: Option<u64>,
}

impl Http {
    /// At most [`Limits::max_answer_bytes`] of a file from an offset on; `None` if the address opens no file any more.
    pub async fn part_of_file(
        &self,
        reach: Reach,
        url: &Url,
        from: u64,
        limits: Limits,
    ) -> Result<Option<FilePart>, Failure> {
        check(reach, url)?;
        let client = match (&self.0, reach) {
            (Way::Network { anywhere, .. }, Reach::Anywhere) => anywhere,
            (Way::Network { public, .. }, Reach::Public) => public,
            #[cfg(test)]
            (Way::Simulated(_), _) => {
                return Err(Failure::Permanent { reason: "no files are simulated".to_owned() });
            }
        };
        let last = from.saturating_add(limits.max_answer_bytes as u64).saturating_sub(1);
        let asked = client
            .get(url.clone())
            .header(RANGE, format!("bytes={from}-{last}"))
            .header(ACCEPT_ENCODING, "identity")
            .timeout(limits.timeout);
        let lost = |error: &reqwest::Error| unreachable(url, error, limits);
        let response = asked.send().await.map_err(|error| lost(&error))?;
        let host = host_of(url);
        match response.status() {
            StatusCode::PARTIAL_CONTENT => match range_of(response.headers()) {
                Some((begin, size)) if begin == from => {
                    let (bytes, _) = read(response, 0, limits.max_answer_bytes).await.map_err(|error| lost(&error))?;
                    Ok(Some(FilePart { bytes, size }))
                }
                _ => Err(Failure::Transient {
                    reason: format!("{host} sent another part of the file than was asked for"),
                }),
            },
            // Who knows no ranges sends the file from its beginning.
            StatusCode::OK => {
                let (bytes, ended) =
                    read(response, from, limits.max_answer_bytes).await.map_err(|error| lost(&error))?;
                let size = ended.then(|| from + bytes.len() as u64);
                Ok(Some(FilePart { bytes, size }))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Some(FilePart { bytes: Vec::new(), size: Some(from) })),
            status if status.is_client_error() => Ok(None),
            status => Err(Failure::Unreachable { reason: format!("{host} answered {status}") }),
        }
    }
}

/// Reads what comes after so many bytes, up to so many, and whether the file ended there.
async fn read(mut response: Response, mut skip: u64, max: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let skipped = skip.min(chunk.len() as u64);
        skip -= skipped;
        let chunk = &chunk[usize::try_from(skipped).unwrap_or(chunk.len())..];
        let room = max - bytes.len();
        if chunk.len() > room {
            bytes.extend_from_slice(&chunk[..room]);
            return Ok((bytes, false));
        }
        bytes.extend_from_slice(chunk);
    }
    Ok((bytes, true))
}

/// `bytes 0-99/1234`: where the part begins, and how large the file is if that is told.
fn range_of(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, size) = text.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, size.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::HeaderMap, response::IntoResponse, routing::get};
    use tokio::net::TcpListener;

    use super::*;

    const TEXT: &str = "0123456789";

    async fn ranges(headers: HeaderMap) -> impl IntoResponse {
        assert!(headers.keys().all(|name| !name.as_str().contains("token") && name != "authorization"));
        let asked = headers[RANGE].to_str().unwrap().trim_start_matches("bytes=").to_owned();
        let (from, last) = asked.split_once('-').unwrap();
        let (from, last): (usize, usize) = (from.parse().unwrap(), last.parse().unwrap());
        match from < TEXT.len() {
            true => {
                let end = (last + 1).min(TEXT.len());
                let range = format!("bytes {from}-{}/{}", end - 1, TEXT.len());
                (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, range)], &TEXT[from..end]).into_response()
            }
            false => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
        }
    }

    async fn base() -> String {
        let routes = Router::new()
            .route("/ranges", get(ranges))
            .route("/whole", get(async || TEXT))
            .route("/other", get(async || (StatusCode::PARTIAL_CONTENT, [(CONTENT_RANGE, "bytes 5-9/10")], "56789")))
            .route("/gone", get(async || StatusCode::FORBIDDEN))
            .route("/down", get(async || StatusCode::BAD_GATEWAY));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        base
    }

    #[tokio::test]
    async fn a_file_is_read_in_parts_whether_or_not_its_host_knows_ranges() {
        let (base, http) = (base().await, Http::new().unwrap());
        let limits = Limits { max_answer_bytes: 4, ..Limits::default() };
        for path in ["ranges", "whole"] {
            let url: Url = format!("{base}/{path}").parse().unwrap();
            let (mut read, mut size) = (Vec::new(), None);
            while size != Some(read.len() as u64) {
                let from = read.len() as u64;
                let part = http.part_of_file(Reach::Anywhere, &url, from, limits).await.unwrap().unwrap();
                assert!(part.bytes.len() <= 4, "{path}: {part:?}");
                read.extend(part.bytes);
                size = part.size;
            }
            assert_eq!(read, TEXT.as_bytes(), "{path}");
        }
        let url: Url = format!("{base}/ranges").parse().unwrap();
        let past = http.part_of_file(Reach::Anywhere, &url, 10, limits).await.unwrap().unwrap();
        assert_eq!((past.bytes.len(), past.size), (0, Some(10)));
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_none_and_what_was_not_asked_for_is_not_taken() {
        let (base, http) = (base().await, Http::new().unwrap());
        let part = async |path: &str, reach| {
            let url: Url = format!("{base}/{path}").parse().unwrap();
            http.part_of_file(reach, &url, 0, Limits::default()).await
        };
        assert_eq!(part("gone", Reach::Anywhere).await, Ok(None));
        assert!(matches!(part("other", Reach::Anywhere).await, Err(Failure::Transient { .. })));
        assert!(matches!(part("down", Reach::Anywhere).await, Err(Failure::Unreachable { .. })));
        assert!(matches!(part("whole", Reach::Public).await, Err(Failure::Permanent { .. })));
    }
}
