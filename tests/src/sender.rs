//! Posts webhooks as a storefront does: over connections that stay open, without looking at what the answer says.

use std::{fmt::Write, time::Duration};

use crate::population::Webhook;

/// Shopify gives up on a delivery after this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Posts to one address.
#[derive(Clone, Debug)]
pub struct Sender {
    client: reqwest::Client,
    url: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// Seconds after which the host wants to be asked again.
    pub retry_after: Option<u64>,
}

impl Sender {
    /// A sender to the full address that webhooks go to. A redirect is an answer, not followed.
    pub fn to(url: impl Into<String>) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("Shopify-Captain-Hook")
            .build()?;
        Ok(Self { client, url: url.into() })
    }

    /// The same sender, posting to another address: a host has another one after a restart.
    pub fn at(&self, url: impl Into<String>) -> Self {
        Self { client: self.client.clone(), url: url.into() }
    }

    /// Posts one webhook; the error is one of transport, such as a host that is down.
    pub async fn send(&self, webhook: &Webhook) -> reqwest::Result<Answer> {
        let mut request = self.client.post(&self.url).body(webhook.body.clone());
        for (name, value) in &webhook.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await?;
        let retry_after = response.headers().get("Retry-After").and_then(|it| it.to_str().ok()?.parse().ok());
        Ok(Answer { status: response.status().as_u16(), retry_after, body: response.text().await? })
    }
}

/// The same delivery as a shell command, for documentation.
pub fn curl_command(url: &str, webhook: &Webhook) -> String {
    let mut command = format!("curl --silent --show-error --request POST {}", quoted(url));
    for (name, value) in &webhook.headers {
        write!(command, " \\\n  --header {}", quoted(&format!("{name}: {value}")))
            .expect("writing to a String succeeds");
    }
    let body = String::from_utf8_lossy(&webhook.body);
    write!(command, " \\\n  --data-binary {}", quoted(&body)).expect("writing to a String succeeds");
    command
}

/// One word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::{Router, body::Bytes, extract::ConnectInfo, http::HeaderMap, routing::post};

    use super::*;
    use crate::{
        peer::Peer,
        population::{Population, Shop, sign},
    };

    #[tokio::test]
    async fn webhooks_arrive_untouched_over_one_connection() {
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let kept = std::sync::Arc::clone(&seen);
        let app = Router::new().route(
            "/hooks",
            post(
                async move |ConnectInfo(client): ConnectInfo<std::net::SocketAddr>, headers: HeaderMap, body: Bytes| {
                    let signature = headers["x-shopify-hmac-sha256"].to_str().unwrap().to_owned();
                    kept.lock().unwrap().push((client.port(), signature, body));
                    "taken"
                },
            ),
        );
        let peer = Peer::start("hooks", 0, async move |listener| {
            let service = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        })
        .unwrap();
        let sender = Sender::to(format!("http://{}/hooks", peer.address())).unwrap();
        let population = Population::new(3, Shop::named("sender"));
        for scheduled in population.webhooks().take(3) {
            let answer = sender.send(&scheduled.webhook).await.unwrap();
            assert_eq!(answer, Answer { status: 200, body: "taken".into(), retry_after: None });
        }
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|(port, ..)| *port == seen[0].0));
        assert!(seen.iter().all(|(_, signature, body)| *signature == sign(&population.shop().secret, body)));
    }

    #[test]
    fn a_curl_command_survives_the_shell() {
        let webhook = Webhook {
            topic: "customers/create",
            headers: vec![("X-Shopify-Topic", "customers/create".into())],
            body: r#"{"last_name":"O'Quill"}"#.into(),
        };
        let command = curl_command("http://127.0.0.1:1/x?a=b&c=d", &webhook);
        let script = command.replacen("curl", "printf '%s\\n'", 1);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(words.contains("http://127.0.0.1:1/x?a=b&c=d\n"), "{words}");
        assert!(words.contains("X-Shopify-Topic: customers/create\n"), "{words}");
        assert!(words.ends_with("{\"last_name\":\"O'Quill\"}\n"), "{words}");
    }
}
