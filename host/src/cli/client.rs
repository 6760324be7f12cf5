//! Requests to the JSON API: over the running host's socket, or to a host opened for the moment.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use bytes::Bytes;
use serde_json::Value;
use tower::ServiceExt;

use super::{Error, Result};
use crate::{clock, config::Config, host::Host, store::data_dir, web};

/// Answers with a problem become errors; everything else is the answer's body.
pub enum Client {
    Running(reqwest::Client),
    Opened(Router),
}

impl Client {
    /// Asks the host that is running on the data directory, or opens it if none is.
    pub async fn connect(config: Config) -> Result<Self> {
        let socket = data_dir::control_socket(&config.data_dir);
        for _ in 0..super::OPEN_TRIES {
            if is_answering(&socket).await {
                let client = reqwest::Client::builder().unix_socket(socket).build()?;
                return Ok(Self::Running(client));
            }
            match Host::open(config.clone(), Arc::new(clock::System)) {
                Ok(host) => return Ok(Self::Opened(web::admin(Arc::new(host)))),
                // A host that is just starting has the directory and does not answer yet.
                Err(error) if super::is_locked(&error) => tokio::time::sleep(super::OPEN_PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(format!("a host has {} and does not answer", config.data_dir.display()).into())
    }

    /// Whether a host is at work, and decides on what it is sent.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        self.json(Method::GET, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.json(method, path, Some(Bytes::from(body.to_string()))).await
    }

    async fn json(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Value> {
        let answer = self.request(method, path, "application/json", body.unwrap_or_default()).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Sends bytes, such as a plugin file.
    pub async fn upload(&self, path: &str, file: Vec<u8>) -> Result<Value> {
        let answer = self.request(Method::POST, path, "application/wasm", Bytes::from(file)).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn request(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Result<Bytes> {
        let (ok, answer) = match self {
            Self::Running(client) => {
                let request = client.request(method, url(path)).header("content-type", content_type).body(body);
                let response = request.send().await.map_err(|error| format!("the host did not answer: {error}"))?;
                (response.status().is_success(), response.bytes().await?)
            }
            Self::Opened(router) => {
                let response = router.clone().oneshot(local(method, path, content_type, body)?).await?;
                (response.status().is_success(), to_bytes(response.into_body(), usize::MAX).await?)
            }
        };
        if ok { Ok(answer) } else { Err(problem_of(&answer)) }
    }

    /// Writes an answer's body as it comes.
    pub async fn stream(&self, path: &str, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result {
        match self {
            Self::Running(client) => {
                let mut response = client.get(url(path)).send().await?;
                if !response.status().is_success() {
                    return Err(problem_of(&response.bytes().await?));
                }
                while let Some(chunk) = response.chunk().await? {
                    write(&chunk)?;
                }
            }
            Self::Opened(router) => {
                let request = local(Method::GET, path, "application/json", Bytes::new())?;
                let response = router.clone().oneshot(request).await?;
                let ok = response.status().is_success();
                let mut body = response.into_body();
                if !ok {
                    return Err(problem_of(&to_bytes(body, usize::MAX).await?));
                }
                while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
                    if let Ok(chunk) = frame?.into_data() {
                        write(&chunk)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn url(path: &str) -> String {
    format!("http://localhost/v1{path}")
}

fn local(method: Method, path: &str, content_type: &str, body: Bytes) -> Result<Request<Body>> {
    let request = Request::builder().method(method).uri(format!("/v1{path}"));
    Ok(request.header("host", "localhost").header("content-type", content_type).body(Body::from(body))?)
}

async fn is_answering(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}

/// The detail of a problem document; the whole answer if it is none.
fn problem_of(answer: &[u8]) -> Error {
    let detail = serde_json::from_slice::<Value>(answer).ok().and_then(|it| Some(it["detail"].as_str()?.to_owned()));
    detail.unwrap_or_else(|| String::from_utf8_lossy(answer).into_owned()).into()
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut path, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            byte => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
        path
    })
}
